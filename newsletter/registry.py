"""Find sources, providers and checks by their file names, and load code from outside.

Every module of such a package is one part, unless its name starts with ``_``: adding a file adds a
part. A name of the form ``package.module:Class`` in newsletter.toml is code from outside. Its
module is either installed or in the folder of newsletter.toml.
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
    """The types of one package, and the requirements for a class from outside."""

    package: str  # such as "newsletter.sources"
    suffix: str  # of the names of its classes, such as "Source"
    options: type  # the base class of each class's ``Options``
    methods: tuple[str, ...]  # that each class must have

    def load(self, type_: str) -> Any:
        """The class of a type: ``feed`` is ``newsletter.sources.feed.FeedSource``.

        Raises LookupError, which says why, if there is no such class, if its import fails, or if
        the class lacks something that the program needs.
        """
        if ":" in type_:
            adaptor = load_name(type_)
            if fault := self._fault(adaptor):
                raise LookupError(f"{type_} cannot be used: {fault}")
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

    def _fault(self, adaptor: object) -> str | None:
        """What keeps a class from outside from being one of these adaptors, or None."""
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
    """Every part of a package, as an imported module."""
    return [importlib.import_module(f"{package}.{name}") for name in names(package)]


def load_function(name: str) -> Callable[..., Any]:
    """The function that ``package.module:function`` names. Raises LookupError as ``load`` does."""
    loaded = load_name(name)
    if not callable(loaded):
        raise LookupError(f"{name} cannot be used: it is {loaded!r}, not a function")  # noqa: TRY004
    return loaded  # type: ignore[no-any-return]


def load_name(name: str) -> Any:
    """The object that ``package.module:name`` names. Raises LookupError, which says why."""
    module_name, _, attribute = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # a module from outside may raise anything
        raise LookupError(f"{name} cannot be loaded: {describe(error, name)}") from error
    try:
        return getattr(module, attribute)
    except AttributeError:
        raise LookupError(
            f"{name} cannot be loaded: {module.__file__ or module_name} has no {attribute!r}"
        ) from None


def make_importable(folder: Path, name: str) -> None:
    """Let Python find the module of ``package.module:name`` in ``folder``, after installed ones.

    Raises LookupError if Python would import another module of the same name.
    """
    directory = str(folder.resolve())
    if directory not in sys.path:
        sys.path.append(directory)
        importlib.invalidate_caches()
    top = _top(name)
    local = PathFinder.find_spec(top, [directory])
    if local is None or local.origin is None:
        return
    module = sys.modules.get(top)
    first = getattr(module, "__spec__", None) if module else importlib.util.find_spec(top)
    if first is None or first.origin != local.origin:
        raise LookupError(
            f"{name} cannot be loaded: {local.origin} has the name of "
            f"{(first and first.origin) or 'a module of Python'}; give it another name"
        )


def mistyped_field(instance: object) -> str | None:
    """The first field of a dataclass whose value does not have the declared type, or None."""
    declared = _declared(type(instance))  # type: ignore[arg-type]  # a class can be hashed
    for field, (classes, item_type) in declared.items():
        value = getattr(instance, field)
        items = value if isinstance(value, tuple) else ()
        if not isinstance(value, classes) or not all(isinstance(i, item_type) for i in items):
            return field
    return None


@cache
def _declared(dataclass_: type) -> dict[str, tuple[tuple[type, ...], type]]:
    """The types that each field may have and, if it is a tuple, the type of its items."""
    declared = {}
    for name, hint in typing.get_type_hints(dataclass_).items():
        hints = typing.get_args(hint) if isinstance(hint, UnionType) else (hint,)
        classes = tuple(typing.get_origin(alternative) or alternative for alternative in hints)
        declared[name] = classes, typing.get_args(hint)[0] if classes == (tuple,) else object
    return declared


def describe(error: BaseException, name: str) -> str:
    """An exception of code from outside: its type and message, and file and line in that package.

    ``name`` is the code's ``package.module:name``.
    """
    message = " ".join(str(error).split())
    description = f"{type(error).__name__}: {message}" if message else type(error).__name__
    top = _top(name)
    lines = [
        f" ({Path(frame.f_code.co_filename).name}, line {line})"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if _top(frame.f_globals.get("__name__", "")) == top
    ]
    return description + "".join(lines[-1:])


def _top(name: str) -> str:
    return name.partition(":")[0].partition(".")[0]
