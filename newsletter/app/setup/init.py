"""Create the folder of a new newsletter."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import newsletter
from newsletter import config
from newsletter.errors import NewsletterError, UsageError
from newsletter.issues import write_atomically
from newsletter.render import PARTS, packaged_templates

_STARTER = Path(newsletter.__file__).parent / "starter.toml"
_GITIGNORE = "build/\ninstallation.json*\noutbox/\n.cache/\nnewsletter.db*\nsecret.key\n"


def init(folder: Path, name: str, template: str = "weekly") -> None:
    """Create a newsletter that every command works in at once.

    ``template`` is one of the packaged templates; the newsletter gets a copy to edit. Raises
    UsageError for a bad name or template, or if the folder already has a newsletter.
    """
    if template not in (names := _template_names()):
        choices = " or --template ".join(names)
        raise UsageError(f"There is no template {template!r}. Choose --template {choices}.")
    if (folder / config.FILE).exists():
        raise UsageError(f"{folder / config.FILE} already exists. Choose another folder.")
    if set(name) & set('"\\<>,;:@') or not name.isprintable() or not name.strip():
        raise UsageError(
            'The name must be one line of text without any of " \\ < > , ; : @. '
            "Choose another --name; you can change it later in newsletter.toml."
        )
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file. Choose another folder.")
    with creating(folder):
        templates = folder / "templates"
        for directory in (folder / "issues", folder / "articles", templates):
            directory.mkdir(parents=True, exist_ok=True)
        for part in (template, PARTS):
            if not (templates / part).exists():
                shutil.copytree(packaged_templates() / part, templates / part)
        if not (folder / ".gitignore").exists():
            (folder / ".gitignore").write_text(_GITIGNORE, encoding="utf-8")
        starter = _STARTER.read_text(encoding="utf-8")
        starter = starter.replace("NAME", name).replace("TEMPLATE", template)
        write_atomically(folder / config.FILE, starter)


@contextmanager
def creating(folder: Path) -> Iterator[None]:
    """Raise NewsletterError if the system refuses to write the folder's files."""
    try:
        yield
    except OSError as error:
        raise NewsletterError(
            f"Cannot create {folder}: {error.strerror or error}. Choose another folder, or check "
            f"its permissions and the free disk space."
        ) from error


def _template_names() -> list[str]:
    names = (path.parent.name for path in packaged_templates().glob("*/email.html.j2"))
    return sorted(names, reverse=True)  # weekly, the usual one, first
