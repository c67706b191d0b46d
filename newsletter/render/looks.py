"""A look: a folder of templates, and what the program must know of it (``look.toml``)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from pydantic import Field

from newsletter.config import Config
from newsletter.errors import ContentError
from newsletter.toml_file import tables
from newsletter.toml_file.tables import Table

_PACKAGED = Path(__file__).parents[1] / "templates"
_BESIDE = Path(__file__).parents[2] / "templates"
_FACTS = "look.toml"


class Places(Table):
    """How wide a picture stands at most, in CSS pixels."""

    lead: int = Field(536, ge=50, le=600, strict=True)
    story: int = Field(320, ge=50, le=600, strict=True)
    sponsor: int = Field(496, ge=50, le=600, strict=True)
    note: int = Field(536, ge=50, le=600, strict=True)
    portrait: int = Field(72, ge=25, le=600, strict=True)


class Look(Table):
    """What a ``look.toml`` may say.

    ``accepted``: what the look uses although some clients do not know it, by feature: their keys.
    """

    places: Places = Places()
    accepted: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)


def packaged_templates() -> Path:
    """The looks that ship with the program (in a checkout: the folder beside the package)."""
    return _PACKAGED if _PACKAGED.is_dir() else _BESIDE


def folders(config: Config) -> tuple[Path, ...]:
    """Where looks are searched: the newsroom's own templates first, if it has any."""
    own = config.folder / "templates"
    return (own, packaged_templates()) if own.is_dir() else (packaged_templates(),)


def look(config: Config) -> Look:
    """The facts of the newsletter's look; raises ContentError where its file is wrong."""
    name = config.newsletter.template
    for folder in folders(config):
        path = folder / name / _FACTS
        if path.is_file():
            return _read(path, path.stat().st_mtime_ns)
    return Look()


@lru_cache(maxsize=8)
def _read(path: Path, _changed: int) -> Look:
    faults: list[str] = []
    found = tables.validated(Look, tables.read(path, ContentError), "", faults)
    if found is None:
        raise ContentError(tables.report(path, faults))
    return found
