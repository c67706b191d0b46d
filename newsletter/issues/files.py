"""Where issue folders lie, and how files are written: whole or not at all."""

from __future__ import annotations

import os
import tempfile
from datetime import date
from pathlib import Path

from newsletter.errors import NewsletterError, UsageError
from newsletter.model import CorrectionDate


def parse_name(text: str) -> date:
    """The send date that names an issue; raises UsageError for anything else."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        raise UsageError(
            f"{text!r} is not an issue. An issue is named by its send date, such as 2025-07-07."
        )
    return day


def parse_day(text: str, option: str) -> date:
    """The day that an option is given; raises UsageError for anything else."""
    try:
        return parse_name(text)
    except UsageError:
        raise UsageError(
            f"{option} {text!r} is not a day. Write it as year, month and day, such as 2025-07-07."
        ) from None


def parse_issue(text: str) -> date:
    """The same, or the name of a mail that corrects an issue: ``2025-07-07-c1``."""
    stem, mark, number = text.partition("-c")
    day = parse_name(stem)
    if not mark:
        return day
    found = CorrectionDate(day, int(number)) if number.isdecimal() and len(number) < 4 else None
    if found is None or str(found) != text or not found.number:
        raise UsageError(
            f"{text!r} is no correction. The mails that correct an issue are called {day}-c1, "
            f"{day}-c2, … See which there are: newsletter correct {day} --list"
        )
    return found


def folder_of(root: Path, issue: date) -> Path:
    """The folder of one issue of the newsletter in ``root``."""
    return root / "issues" / issue.isoformat()


def existing(root: Path) -> list[date]:
    """The issues that have a folder, the oldest first."""
    found = []
    for path in (root / "issues").glob("????-??-??"):
        try:
            found.append(date.fromisoformat(path.name))
        except ValueError:
            continue
    return sorted(found)


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write the file beside its place and rename it, so that nobody ever sees half of it."""
    data = content.encode() if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(0o644)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise NewsletterError(
            f"{path} could not be written: {error.strerror}. "
            f"Look at the free space and the permissions of its folder, then try again."
        ) from error
