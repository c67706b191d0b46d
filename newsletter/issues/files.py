"""The names and folders of issues, and atomic writes."""

from __future__ import annotations

import os
import tempfile
from datetime import date
from pathlib import Path

from newsletter.errors import NewsletterError, UsageError
from newsletter.model import IssueName


def parse_name(text: str) -> IssueName:
    """The issue of that name; raises UsageError for anything else, such as a correction."""
    try:
        issue = IssueName.parse(text)
    except ValueError:
        issue = None
    if issue is None or issue.is_correction:
        raise UsageError(
            f"{text!r} is not an issue. An issue is named by its send date, such as 2025-07-07."
        )
    return issue


def parse_day(text: str, option: str) -> date:
    """The date that an option has; raises UsageError for anything else."""
    try:
        return parse_name(text).date
    except UsageError:
        raise UsageError(
            f"{option} {text!r} is not a day. Write it as year, month and day, such as 2025-07-07."
        ) from None


def parse_issue(text: str) -> IssueName:
    """The same, or the name of a mail that corrects an issue: ``2025-07-07-c1``."""
    stem, mark, _ = text.partition("-c")
    issue = parse_name(stem)
    if not mark:
        return issue
    try:
        return IssueName.parse(text)
    except ValueError:
        raise UsageError(
            f"{text!r} is no correction. The mails that correct an issue are called {issue}-c1, "
            f"{issue}-c2, … See which there are: newsletter correct {issue} --list"
        ) from None


def folder_of(root: Path, issue: IssueName) -> Path:
    """The folder of one issue of the newsletter in ``root``."""
    return root / "issues" / str(issue)


def existing(root: Path) -> list[IssueName]:
    """The issues that have a folder, the oldest first; not the mails that correct them."""
    issues = []
    for path in (root / "issues").glob("????-??-??"):
        try:
            issues.append(IssueName.parse(path.name))
        except ValueError:
            continue
    return sorted(issues)


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a temporary file and rename it, so that nobody ever reads half of it."""
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
            f"Check the free space and the permissions of its folder, then try again."
        ) from error
