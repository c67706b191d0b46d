"""Run the whole job on the made-up sample week, offline."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import newsletter
from newsletter import config, installation, providers
from newsletter.app.desk import Desk, open_desk
from newsletter.app.pipeline import publish
from newsletter.app.readers import lists
from newsletter.app.setup.init import creating
from newsletter.errors import UsageError
from newsletter.model import IssueName, Receipt

ISSUE = IssueName(date(2025, 7, 7))
NOW = datetime(2025, 7, 4, 15, 0, tzinfo=ZoneInfo("America/Los_Angeles"))  # in the sample week

_DATABASE = "newsletter.db"
_READERS = Path("sample", "subscribers.csv")
_EXAMPLE = (config.FILE, "sample", f"issues/{ISSUE}")


def demo(folder: Path, report: Callable[[str], None]) -> Receipt:
    """Run the whole job, and send into the outbox. It can be repeated, and leaves git clean.

    ``report`` gets a sentence for each step. Raises UsageError if the folder belongs to another
    newsletter.
    """
    _copy_example(folder)
    desk = open_desk(
        folder,
        lambda: NOW,
        provider=providers.options("outbox")(type="outbox"),
        database=config.Database(url=f"sqlite:///{_DATABASE}"),
    )
    _reset(desk)
    try:
        imported = lists.import_file(desk, desk.folder / _READERS, skip_bad_lines=False).people
        report(f"Imported {imported} sample subscribers.")
        return publish(desk, ISSUE, report)
    finally:
        desk.close()


def _copy_example(folder: Path) -> None:
    """Copy the example newsletter, unless the folder already has it."""
    package = Path(newsletter.__file__).parent
    packaged = package / "example"
    example = packaged if packaged.is_dir() else package.parent  # the latter in a git checkout
    if (folder / config.FILE).exists():
        if not (folder / _READERS).exists():
            raise UsageError(
                f"{folder.resolve()} contains another newsletter. Run the demo in an empty folder, "
                f"for example: newsletter -C /tmp/demo demo"
            )
        return
    with creating(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for part in _EXAMPLE:
            source, target = example / part, folder / part
            if source.is_dir():
                ignore = shutil.ignore_patterns("build")
                shutil.copytree(source, target, dirs_exist_ok=True, ignore=ignore)
            else:
                shutil.copyfile(source, target)


def _reset(desk: Desk) -> None:
    """Delete what an earlier demo left. Raises UsageError if the database has real subscribers."""
    installation.overwrite(desk.folder, ISSUE, 0)
    path = desk.folder / _DATABASE
    if not path.exists():
        return
    sample = (desk.folder / _READERS).read_text(encoding="utf-8").lower()
    real = [person for person in lists.everyone(desk) if person.email not in sample]
    desk.close()
    if real:
        raise UsageError(
            f"{path} has {len(real)} subscribers who are not part of the sample, so the demo did "
            f"not touch it. Run the demo in an empty folder: newsletter -C /tmp/demo demo"
        )
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    del desk.__dict__["database"]
