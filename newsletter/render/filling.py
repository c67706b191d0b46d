"""A file of a template, filled in; and what is wrong with one, said with file and line.

Templates of our own pages, too, which are as strict, and not sandboxed.
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

_TEMPLATES = (".j2", ".css", ".html", ".txt")
_MACRO = "template"  # what Jinja2 calls a macro in a traceback


def filled(config: Config, file: str, context: Mapping[str, Any]) -> str:
    """That file of the template; raises ContentError that names file and line."""
    import jinja2

    name = f"{config.newsletter.template}/{file}"
    try:
        return environment(folders(config)).get_template(name).render(context)
    except ContentError:
        raise
    except jinja2.TemplateNotFound as error:
        raise ContentError(_missing(error, name)) from error
    except jinja2.TemplateSyntaxError as error:
        raise ContentError(
            f"The template {error.filename or error.name}, line {error.lineno}, does not compile: "
            f"{_sentence(error)} Mend that line."
        ) from error
    except Exception as error:  # a template is people's own work: it may fail in any way
        place, caller = _places(error)
        message = f"{_sentence(error)} It was called in {caller}." if caller else _sentence(error)
        raise ContentError(f"The template {place or name}, failed: {message}") from error


@lru_cache(maxsize=8)
def environment(searched: Sequence[Path]) -> Environment:
    """Jinja2, sandboxed and strict, over these folders."""
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class TemplateLoader(FileSystemLoader):
        """Notices a newsroom's own file that comes to stand before a packaged one."""

        def get_source(
            self, environment: Environment, template: str
        ) -> tuple[str, str, Callable[[], bool]]:
            first = _first(searched, template)
            try:
                source, path, fresh = super().get_source(environment, template)
            except UnicodeDecodeError as error:
                line = error.object.count(b"\n", 0, error.start) + 1
                raise ContentError(
                    f"{first}, line {line}, is not UTF-8 text. Save it as UTF-8."
                ) from error
            return source, path, lambda: fresh() and _first(searched, template) == first

    return ImmutableSandboxedEnvironment(
        loader=TemplateLoader([str(folder) for folder in searched]),
        autoescape=lambda name: name is not None and name.endswith((".html.j2", ".html")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def own(file: Path) -> Template:
    """A template of our own, which may use those beside it; all that is filled in is escaped."""
    return _beside(file.parent).get_template(file.name)


@lru_cache(maxsize=8)
def _beside(folder: Path) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _first(searched: Sequence[Path], template: str) -> Path | None:
    return next((folder / template for folder in searched if (folder / template).is_file()), None)


def _missing(error: Any, name: str) -> str:
    """The message about a file that is not there: the template itself, or what it includes."""
    asking, _ = _places(error)
    if error.name == name or asking is None:
        return (
            f"There is no template {error.name}. [newsletter] template names a folder in "
            f"templates/; mend the name, or copy one there with: newsletter init"
        )
    return (
        f"There is no template {error.name}, for which {asking}, asks. Mend the name there, or "
        f"put the file into templates/."
    )


def _sentence(error: BaseException) -> str:
    message = f"there is no {error.args[0]!r}" if isinstance(error, KeyError) else str(error)
    return f"{' '.join(message.split()).rstrip('.')}."


def _places(error: BaseException) -> tuple[str | None, str | None]:
    """File and line of the template that stopped; and, if in a macro, of who called that."""
    place = caller = None
    step = error.__traceback__
    while step:
        code = step.tb_frame.f_code
        if code.co_filename.endswith(_TEMPLATES):
            caller = place if code.co_name == _MACRO else None
            place = f"{code.co_filename}, line {step.tb_lineno}"
        step = step.tb_next
    return place, caller
