"""Find what lives one to a file (sources, providers, checks), and code from outside.

A package's modules whose names do not start with ``_`` are its parts: adding a file adds a part.
A name of the form ``package.module:Class`` in newsletter.toml is code from outside. Its module is
either installed or lies beside newsletter.toml.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
import traceback
import typing
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType, UnionType
from typing import Any


@dataclass(frozen=True)
class Adaptors:
    """The types of one package, and what a class from outside needs to be one of them."""

    package: str  # such as "newsletter.sources"
    suffix: str  # how the names of its classes end, such as "Source"
    options: type  # what ``Options`` of each class derives from
    methods: tuple[str, ...]  # what each class must have beside ``Options``

    def load(self, type_: str) -> Any:
        """The class of a type: ``feed`` is ``newsletter.sources.feed.FeedSource``.

        Raises LookupError, with a sentence, where there is no such class, where its import raises
        anything, or where the class lacks what the program calls.
        """
        if ":" in type_:
            adaptor = imported(type_)
            if missing := self._missing(adaptor):
                raise LookupError(f"{type_} cannot be used: {missing}")
            return adaptor
        if type_ not in names(self.package):
            raise LookupError(f"there is no {type_!r}; known are {', '.join(names(self.package))}")
        module = importlib.import_module(f"{self.package}.{type_}")
        return next(
            value
            for name, value in vars(module).items()
            if isinstance(value, type)
            and value.__module__ == module.__name__
            and name.endswith(self.suffix)
            and not name.startswith("_")
        )

    def _missing(self, adaptor: object) -> str | None:
        """What keeps a class from outside from being one of these adaptors, in words."""
        if not isinstance(adaptor, type):
            return f"it is {adaptor!r}, not a class"
        options = getattr(adaptor, "Options", None)
        if not (isinstance(options, type) and issubclass(options, self.options)):
            return f"it needs a class Options that derives from {self.options.__name__}"
        for method in self.methods:
            if not callable(getattr(adaptor, method, None)):
                return f"it needs a method {method}"
        return None


def names(package: str) -> list[str]:
    """The names of a package's parts, in alphabetical order."""
    folder = importlib.import_module(package).__path__
    return sorted(m.name for m in pkgutil.iter_modules(folder) if not m.name.startswith("_"))


def modules(package: str) -> list[ModuleType]:
    """Every part of a package, imported."""
    return [importlib.import_module(f"{package}.{name}") for name in names(package)]


def function(name: str) -> Callable[..., Any]:
    """The function that ``package.module:function`` names; raises LookupError as ``load`` does."""
    loaded = imported(name)
    if not callable(loaded):
        raise LookupError(f"{name} cannot be used: it is {loaded!r}, not a function")  # noqa: TRY004
    return loaded  # type: ignore[no-any-return]


def imported(name: str) -> Any:
    """What ``package.module:name`` names; raises LookupError that says why it cannot be had."""
    module_name, _, attribute = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # a module from outside may raise anything
        raise LookupError(f"{name} cannot be loaded: {raised(error, name)}") from error
    try:
        return getattr(module, attribute)
    except AttributeError:
        raise LookupError(
            f"{name} cannot be loaded: {module.__file__ or module_name} has no {attribute!r}"
        ) from None


def importable_from(folder: Path, name: str) -> None:
    """Let the module of ``package.module:name`` be found in ``folder``, behind all installed ones.

    Raises LookupError where Python would import another module of the same name instead.
    """
    directory = str(folder.resolve())
    if directory not in sys.path:
        sys.path.append(directory)
        importlib.invalidate_caches()
    top = _top(name)
    beside = PathFinder.find_spec(top, [directory])
    if beside is None or beside.origin is None:
        return
    module = sys.modules.get(top)
    first = getattr(module, "__spec__", None) if module else importlib.util.find_spec(top)
    if first is None or first.origin != beside.origin:
        raise LookupError(
            f"{name} cannot be loaded: {beside.origin} has the name of "
            f"{(first and first.origin) or 'a module of Python'}; give it another name"
        )


def mistyped(instance: object) -> str | None:
    """The first field of a dataclass whose value is not of the declared type; None for none."""
    declared = _declared(type(instance))  # type: ignore[arg-type]  # a class can be hashed
    for field, (classes, item) in declared.items():
        value = getattr(instance, field)
        items = value if isinstance(value, tuple) else ()
        if not isinstance(value, classes) or not all(isinstance(each, item) for each in items):
            return field
    return None


@cache
def _declared(dataclass_: type) -> dict[str, tuple[tuple[type, ...], type]]:
    """For each field the types that it may have, and the type of its items if it is a tuple."""
    declared = {}
    for name, hint in typing.get_type_hints(dataclass_).items():
        hints = typing.get_args(hint) if isinstance(hint, UnionType) else (hint,)
        classes = tuple(typing.get_origin(each) or each for each in hints)
        declared[name] = classes, typing.get_args(hint)[0] if classes == (tuple,) else object
    return declared


def raised(error: BaseException, name: str) -> str:
    """What ``package.module:name`` raised: type and message, and file and line in that package."""
    message = " ".join(str(error).split())
    what = f"{type(error).__name__}: {message}" if message else type(error).__name__
    top = _top(name)
    lines = [
        f" ({Path(frame.f_code.co_filename).name}, line {line})"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if _top(frame.f_globals.get("__name__", "")) == top
    ]
    return what + "".join(lines[-1:])


def _top(name: str) -> str:
    return name.partition(":")[0].partition(".")[0]
