"""Start a new newsletter, and show the whole job on the made-up sample week."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import newsletter
from newsletter import config, installation, providers
from newsletter.app.desk import Desk, open_desk
from newsletter.app.pipeline import publish
from newsletter.app.readers import lists
from newsletter.errors import NewsletterError, UsageError
from newsletter.issues import write_atomically
from newsletter.model import IssueName, Receipt
from newsletter.render import PARTS, packaged_templates

ISSUE = IssueName(date(2025, 7, 7))
NOW = datetime(2025, 7, 4, 15, 0, tzinfo=ZoneInfo("America/Los_Angeles"))  # of the sample week
DATABASE = "newsletter.db"
EXAMPLE = (config.FILE, "sample", f"issues/{ISSUE}")

_STARTER = Path(newsletter.__file__).parent / "starter.toml"
_IGNORED = "build/\ninstallation.json*\noutbox/\n.cache/\nnewsletter.db*\nsecret.key\n"


def init(folder: Path, name: str, template: str = "weekly") -> None:
    """Make a new newsletter in a folder that has none; every command works there at once.

    ``template``: which of the packaged ones it begins with, copied to be changed.
    """
    if template not in (names := template_names()):
        raise UsageError(
            f"There is no template {template!r}. Choose --template {' or --template '.join(names)}."
        )
    if (folder / config.FILE).exists():
        raise UsageError(f"{folder / config.FILE} is there already. Choose another folder.")
    if set(name) & set('"\\<>,;:@') or not name.isprintable() or not name.strip():
        raise UsageError(
            "The name must be one line of words, without quotation marks, commas, colons and <>. "
            "Choose another --name, and change it in newsletter.toml later if you like."
        )
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file. Choose another folder.")
    with _made(folder):
        templates = folder / "templates"
        for made in ("issues", "articles", "templates"):
            (folder / made).mkdir(parents=True, exist_ok=True)
        for part in (template, PARTS):
            if not (templates / part).exists():
                shutil.copytree(packaged_templates() / part, templates / part)
        if not (folder / ".gitignore").exists():
            (folder / ".gitignore").write_text(_IGNORED, encoding="utf-8")
        text = _STARTER.read_text(encoding="utf-8")
        text = text.replace("NAME", name).replace("TEMPLATE", template)
        write_atomically(folder / config.FILE, text)


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Raises NewsletterError where the folder or what belongs into it cannot be made."""
    try:
        yield
    except OSError as error:
        raise NewsletterError(
            f"{folder} could not be made: {error.strerror or error}. Choose another folder, or "
            f"look at the permissions and the free space there."
        ) from error


def template_names() -> list[str]:
    """The templates that ship with the program."""
    names = (path.parent.name for path in packaged_templates().glob("*/email.html.j2"))
    return sorted(names, reverse=True)  # weekly, the usual one, first


def demo(folder: Path, say: Callable[[str], None]) -> Receipt:
    """The whole job offline, into the outbox. It may be repeated, and leaves git clean.

    Raises UsageError where the folder is a real newsletter's.
    """
    _lay_out(folder)
    desk = open_desk(
        folder,
        lambda: NOW,
        provider=providers.options("outbox")(type="outbox"),
        database=config.Database(url=f"sqlite:///{DATABASE}"),
    )
    _start_over(desk)
    try:
        readers = desk.folder / "sample" / "subscribers.csv"
        imported = lists.import_file(desk, readers, skip_bad_lines=False).used
        say(f"Imported {imported} sample subscribers.")
        return publish(desk, ISSUE, say)
    finally:
        desk.close()


def _lay_out(folder: Path) -> None:
    """Copy the example newsletter into an empty folder."""
    package = Path(newsletter.__file__).parent
    example = package / "example"
    origin = example if example.is_dir() else package.parent
    if (folder / config.FILE).exists():
        if not (folder / "sample" / "subscribers.csv").exists():
            raise UsageError(
                f"{folder.resolve()} is a newsletter of its own. Run the demo in an empty folder, "
                f"such as: newsletter -C /tmp/demo demo"
            )
        return
    with _made(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for part in EXAMPLE:
            source, target = origin / part, folder / part
            if source.is_dir():
                ignored = shutil.ignore_patterns("build")
                shutil.copytree(source, target, dirs_exist_ok=True, ignore=ignored)
            else:
                shutil.copyfile(source, target)


def _start_over(desk: Desk) -> None:
    """Forget an earlier demo; refuse to touch a database that real people are in."""
    installation.believe(desk.folder, ISSUE, 0)
    path = desk.folder / DATABASE
    if not path.exists():
        return
    rows = (desk.folder / "sample" / "subscribers.csv").read_text(encoding="utf-8").lower()
    strangers = [p.email for p in lists.everyone(desk) if p.email not in rows]
    desk.close()
    if strangers:
        raise UsageError(
            f"{path} holds {len(strangers)} subscribers who are not the sample's, so the demo "
            f"leaves it alone. Run the demo in an empty folder: newsletter -C /tmp/demo demo"
        )
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    del desk.__dict__["database"]
