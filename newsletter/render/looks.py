"""A look: a folder of templates, and what the program must know of it (``look.toml``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from newsletter import tables
from newsletter.config import Config
from newsletter.errors import ContentError
from newsletter.tables import Table

if TYPE_CHECKING:
    from jinja2 import Environment

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


def folders(config: Config) -> tuple[Path, Path]:
    """Where looks are searched: the newsroom's own templates first."""
    return config.folder / "templates", packaged_templates()


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


@lru_cache(maxsize=8)
def environment(searched: Sequence[Path]) -> Environment:
    """Jinja2, sandboxed and strict, over these folders."""
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Looks(FileSystemLoader):
        """Notices a newsroom's own file that comes to stand before a packaged one."""

        def get_source(
            self, environment: Environment, template: str
        ) -> tuple[str, str, Callable[[], bool]]:
            source, path, fresh = super().get_source(environment, template)
            first = _first(searched, template)
            return source, path, lambda: fresh() and _first(searched, template) == first

    return ImmutableSandboxedEnvironment(
        loader=Looks([str(folder) for folder in searched]),
        autoescape=lambda name: name is not None and name.endswith((".html.j2", ".html")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def filled(config: Config, file: str, context: Mapping[str, Any]) -> str:
    """A template of the look, filled in; raises ContentError that names file and line."""
    import jinja2

    name = f"{config.newsletter.template}/{file}"
    try:
        return environment(folders(config)).get_template(name).render(context)
    except jinja2.TemplateNotFound as error:
        raise ContentError(
            f"There is no template {error.name}. [newsletter] template names a folder in "
            f"templates/; mend the name, or copy a look there with: newsletter init"
        ) from error
    except jinja2.TemplateSyntaxError as error:
        raise ContentError(
            f"The template {error.filename or error.name}, line {error.lineno}, does not compile: "
            f"{error.message}. Mend that line."
        ) from error
    except UnicodeDecodeError as error:
        raise ContentError(
            f"A file of the template {name} is not UTF-8 text: {error}. Save it as UTF-8."
        ) from error
    except Exception as error:  # a template is people's own work: it may fail in any way
        raise ContentError(f"The template {_place(error, name)} failed: {error}.") from error


def _first(searched: Sequence[Path], template: str) -> Path | None:
    return next((folder for folder in searched if (folder / template).is_file()), None)


def _place(error: BaseException, name: str) -> str:
    """File and line of the template where rendering stopped."""
    place, step = name, error.__traceback__
    while step:
        if step.tb_frame.f_code.co_filename.endswith((".j2", ".css", ".html", ".txt")):
            place = f"{step.tb_frame.f_code.co_filename}, line {step.tb_lineno},"
        step = step.tb_next
    return place
