"""Render a template's files with Jinja2, and report errors in them with file and line.

A newsroom's templates run sandboxed. The program's own pages have templates that are not sandboxed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from newsletter.config import Config
from newsletter.errors import ContentError
from newsletter.render.template_folder import folders

if TYPE_CHECKING:
    from jinja2 import Environment, Template

_SUFFIXES = (".j2", ".css", ".html", ".txt")
_MACRO = "template"  # the name of a macro in Jinja2's tracebacks


def render_template(config: Config, file: str, context: Mapping[str, Any]) -> str:
    """A file of the newsletter's template, filled with the context.

    Raises ContentError, which names file and line.
    """
    import jinja2

    name = f"{config.newsletter.template}/{file}"
    try:
        return environment(folders(config)).get_template(name).render(context)
    except ContentError:
        raise
    except jinja2.TemplateNotFound as error:
        raise ContentError(_missing_template(error, name)) from error
    except jinja2.TemplateSyntaxError as error:
        raise ContentError(
            f"The template {error.filename or error.name}, line {error.lineno}, does not compile: "
            f"{_sentence(error)} Fix that line."
        ) from error
    except Exception as error:  # a newsroom's template may raise anything
        place, caller = _error_places(error)
        message = f"{_sentence(error)} It was called in {caller}." if caller else _sentence(error)
        where = f"{place}," if place else name
        raise ContentError(f"The template {where} failed: {message}") from error


@lru_cache(maxsize=8)
def environment(searched: Sequence[Path]) -> Environment:
    """A sandboxed Jinja2 that searches these folders; an undefined name is an error."""
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class TemplateLoader(FileSystemLoader):
        """Notices when a newsroom adds a file that replaces a packaged one."""

        def get_source(
            self, environment: Environment, template: str
        ) -> tuple[str, str, Callable[[], bool]]:
            first = _first_file(searched, template)
            try:
                source, path, fresh = super().get_source(environment, template)
            except UnicodeDecodeError as error:
                line = error.object.count(b"\n", 0, error.start) + 1
                raise ContentError(
                    f"{first}, line {line}, is not UTF-8 text. Save it as UTF-8."
                ) from error
            return source, path, lambda: fresh() and _first_file(searched, template) == first

    return ImmutableSandboxedEnvironment(
        loader=TemplateLoader([str(folder) for folder in searched]),
        autoescape=lambda name: name is not None and name.endswith((".html.j2", ".html")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def own_template(file: Path) -> Template:
    """A template of the program's own pages, which can include files beside it. HTML is escaped."""
    return _own_environment(file.parent).get_template(file.name)


@lru_cache(maxsize=8)
def _own_environment(folder: Path) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _first_file(searched: Sequence[Path], template: str) -> Path | None:
    return next((folder / template for folder in searched if (folder / template).is_file()), None)


def _missing_template(error: Any, name: str) -> str:
    """The message about a missing file: a file of the template, or one that it includes."""
    place, _ = _error_places(error)
    if error.name == name or place is None:
        return (
            f"There is no template {error.name}. [newsletter] template names a folder in "
            f"templates/. Correct the name, or copy a template there with: newsletter init"
        )
    return (
        f"There is no template {error.name}, which {place} includes. Correct the name there, or "
        f"put the file into templates/."
    )


def _sentence(error: BaseException) -> str:
    message = f"there is no {error.args[0]!r}" if isinstance(error, KeyError) else str(error)
    return f"{' '.join(message.split()).rstrip('.')}."


def _error_places(error: BaseException) -> tuple[str | None, str | None]:
    """File and line where a template failed and, if that is a macro, of the macro's caller."""
    place = caller = None
    step = error.__traceback__
    while step:
        code = step.tb_frame.f_code
        if code.co_filename.endswith(_SUFFIXES):
            caller = place if code.co_name == _MACRO else None
            place = f"{code.co_filename}, line {step.tb_lineno}"
        step = step.tb_next
    return place, caller
