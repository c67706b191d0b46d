"""Template folders: where they are, their layouts, and their settings in ``template.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from newsletter.config import Config
from newsletter.errors import ContentError
from newsletter.issues import LAYOUTS
from newsletter.toml_file import tables
from newsletter.toml_file.tables import Table

PARTS = "_parts"  # the folder with macros that all templates share

_PACKAGED = Path(__file__).parents[1] / "templates"
_BESIDE = Path(__file__).parents[2] / "templates"
_SETTINGS = ("template.toml", "look.toml")  # the second is the name in older copies
_LAYOUT = ".html.j2"

_Width = Annotated[int, Field(ge=50, le=600, strict=True)]


class Places(Table):
    """``[places]``: the greatest width of a picture in each place, in CSS pixels."""

    lead: _Width = 536
    story: _Width = 320
    sponsor: _Width = 496
    note: _Width = 536
    portrait: Annotated[int, Field(ge=25, le=600, strict=True)] = 72


class TemplateSettings(Table):
    """The keys of a ``template.toml``."""

    places: Places = Places()
    layouts: Mapping[str, _Width] = Field(default_factory=dict)
    """The width of a story's picture in a layout, if it differs from ``places.story``."""
    accepted: Mapping[str, tuple[str, ...]] = Field(default_factory=dict)
    """Feature → keys of mail programs that do not support it and are not reported."""

    def story_width(self, layout: str) -> int:
        """The greatest width of a story's picture in that layout, in CSS pixels."""
        return self.layouts.get(layout, self.places.story)


def packaged_templates() -> Path:
    """The templates that ship with the program (in a checkout: the folder frame the package)."""
    return _PACKAGED if _PACKAGED.is_dir() else _BESIDE


def folders(config: Config) -> tuple[Path, ...]:
    """Where templates are searched: first in the newsletter's own folder, if it exists."""
    folder = config.folder / "templates"
    return (folder, packaged_templates()) if folder.is_dir() else (packaged_templates(),)


def layouts(config: Config) -> tuple[str, ...]:
    """The layouts that a section may name: the files in ``layouts/``, the built-in ones first."""
    names = {
        path.name.removesuffix(_LAYOUT)
        for folder in folders(config)
        for part in (config.newsletter.template, PARTS)
        for path in (folder / part / "layouts").glob(f"*{_LAYOUT}")
    }
    return (*(name for name in LAYOUTS if name in names), *sorted(names.difference(LAYOUTS)))


def template_settings(config: Config) -> TemplateSettings:
    """The settings of the newsletter's template; raises ContentError if its file has a fault."""
    for folder in folders(config):
        for name in _SETTINGS:
            path = folder / config.newsletter.template / name
            if path.is_file():
                return _read(path, path.stat().st_mtime_ns, layouts(config))
    return TemplateSettings()


@lru_cache(maxsize=8)
def _read(path: Path, _changed: int, layouts: tuple[str, ...]) -> TemplateSettings:
    faults: list[str] = []
    raw = tables.read(path, ContentError)
    settings = tables.validate(TemplateSettings, raw, "", faults)
    unknown = settings.layouts.keys() - set(layouts) if settings else ()
    names = ", ".join(layouts)
    faults += [f"layouts.{name}: unknown layout; known are {names}" for name in sorted(unknown)]
    if settings is None or faults:
        raise ContentError(tables.error_message(path, faults))
    return settings
