"""Find the parts that live one to a file: sources, providers, checks.

A package's modules whose names do not start with ``_`` are its parts; adding a file adds a part.
A name of the form ``package.module:Class`` is outside code, named so in newsletter.toml.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from types import ModuleType
from typing import Any


def names(package: str) -> list[str]:
    """The names of a package's parts, in alphabetical order."""
    folder = import_module(package).__path__
    return sorted(m.name for m in pkgutil.iter_modules(folder) if not m.name.startswith("_"))


def load(package: str, name: str) -> Any:
    """The class of a part: ``feed`` in ``newsletter.sources`` is ``feed.FeedSource``.

    Raises LookupError where there is no such part.
    """
    if ":" in name:
        module_name, _, attribute = name.partition(":")
        try:
            found = getattr(import_module(module_name), attribute)
        except (ImportError, AttributeError) as error:
            raise LookupError(f"{name} cannot be loaded: {error}") from error
        if not hasattr(found, "Options"):
            raise LookupError(f"{name} is no part of a newsletter: it has no Options")
        return found
    if name not in names(package):
        raise LookupError(f"there is no {name!r}; known are {', '.join(names(package))}")
    kind = package.rpartition(".")[2].removesuffix("s").title()
    module = import_module(f"{package}.{name}")
    return getattr(module, _class_name(module, kind))


def modules(package: str) -> list[ModuleType]:
    """Every part of a package, imported."""
    return [import_module(f"{package}.{name}") for name in names(package)]


def _class_name(module: ModuleType, kind: str) -> str:
    return next(
        name
        for name, value in vars(module).items()
        if isinstance(value, type)
        and value.__module__ == module.__name__
        and name.endswith(kind)
        and not name.startswith("_")
    )
