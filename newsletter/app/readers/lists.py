"""The subscribers of the newsletter's list: import, add, remove, erase."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from newsletter import subscriber_csv
from newsletter.app.desk import Desk
from newsletter.errors import ContentError, NewsletterError, RejectedLinesError, UsageError
from newsletter.model import Status
from newsletter.store.subscriber_import import MergeResult, StagedImport
from newsletter.store.subscribers import Subscriber, Subscribers
from newsletter.store.subscription_status import ACTIVE
from newsletter.store.suppression import ERASED
from newsletter.subscriber_csv import SubscriberFile

BATCH_SIZE = 10_000  # people in one insert
MAX_PRINTED = 20  # rejected lines; if there are more, they go into a file
MAX_LISTED = 100_000  # rejected lines; a file with more is the wrong file

Progress = Callable[[str, float | None], None]  # a step, and its progress from 0 to 1 if known


@dataclass(frozen=True)
class ImportResult:
    """What an import did."""

    people: int
    new: int  # people who were not on the list
    repeated: int  # lines that name a person again
    kept_out: int  # active in the file, but unsubscribed or suppressed here
    statuses: dict[Status, int]
    rejected: Sequence[tuple[int, str]]  # line numbers with reasons, MAX_LISTED at most
    rejected_count: int
    file_format: str  # encoding, separator and columns, as a phrase
    report: Path | None  # the file that lists the rejected lines


class _RejectedLines:
    """Collects rejected lines, up to a limit."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str]] = []
        self.count = 0

    def __call__(self, line: int, reason: str) -> None:
        self.count += 1
        if self.count <= MAX_LISTED:
            self.lines.append((line, reason))


def import_file(
    desk: Desk,
    path: Path,
    *,
    skip_bad_lines: bool,
    status: Status | None = None,
    encoding: str | None = None,
    report: Path | None = None,
    progress: Progress = lambda *_: None,
) -> ImportResult:
    """Import the file in one transaction.

    People who unsubscribed stay unsubscribed, and erased people stay erased. ``status`` is the
    least strict status that anyone in the file can have. Rejected lines are listed in the file
    ``report``, or beside ``path`` if there are too many to print.

    Raises RejectedLinesError with the rejected lines unless ``skip_bad_lines``, ContentError if the
    file has no people, UsageError if the file's name contradicts its status.
    """
    rejected = _RejectedLines()
    if report:
        if report.exists() and path.exists() and report.samefile(path):
            raise UsageError(f"--report would overwrite {path}. Choose another file.")
        _write_report(path, report, rejected)  # fails now rather than after the import
    with subscriber_csv.open_subscribers(path, encoding) as file:
        if status is None and file.suggested_status:
            raise UsageError(
                f"{path} has no status column, but its name says that these people must not be "
                f"mailed. Confirm it with --status {file.suggested_status.word} "
                f"(or --status active, if they may be mailed)."
            )
        try:
            merged = _import(
                desk, path, file, rejected, status or Status.ACTIVE, skip_bad_lines, progress
            )
        except RejectedLinesError as error:
            written = _write_report(path, report, rejected)
            listed_in = f" They are listed in {written}." if written else ""
            raise RejectedLinesError(f"{error}{listed_in}", rejected.lines) from None
        for line, email in merged.erased:
            rejected(line, f"{email}: this address was erased and is never mailed again")
        rejected.lines.sort()
        return ImportResult(
            people=merged.people,
            new=merged.new,
            repeated=merged.repeated,
            kept_out=merged.kept_out,
            statuses=merged.statuses,
            rejected=rejected.lines,
            rejected_count=rejected.count,
            file_format=file.description,
            report=_write_report(path, report, rejected),
        )


def _import(
    desk: Desk,
    path: Path,
    file: SubscriberFile,
    rejected: _RejectedLines,
    status: Status,
    skip: bool,
    progress: Progress,
) -> MergeResult:
    with desk.writing() as connection:
        people = Subscribers(connection, desk.config.newsletter.list)
    rows = file.rows(rejected, status)
    with (
        desk.database.write_last() as connection,
        StagedImport(connection, people.keys, people.list_id) as staged,
    ):
        count = 0
        while batch := list(islice(rows, BATCH_SIZE)):
            staged.stage(batch)
            count += len(batch)
            progress(f"Reading {path.name}", file.progress)
        _require_people(path, rejected, count, skip)
        progress(f"Writing {count:,} people", None)
        return staged.merge(desk.clock())


def _require_people(path: Path, rejected: _RejectedLines, count: int, skip: bool) -> None:
    if not rejected.count and not count:
        raise ContentError(
            f"{path} has a header but no people, so nobody was imported. "
            f"Export it again, or choose another file."
        )
    if not rejected.count or (skip and count):
        return
    lines = "\n".join(
        f"  line {number}: {reason}" for number, reason in rejected.lines[:MAX_PRINTED]
    )
    if rejected.count > MAX_PRINTED:
        lines += f"\n  and {rejected.count - MAX_PRINTED:,} more"
    amount = "1 line" if rejected.count == 1 else f"{rejected.count:,} lines"
    others = "the other line" if count == 1 else f"the other {count:,} lines"
    remedy = f"import {others} with --skip-bad-lines" if count else "choose another file"
    raise RejectedLinesError(
        f"Nobody was imported: {path} has {amount} that cannot be used:\n{lines}\n"
        f"Fix {'it' if rejected.count == 1 else 'them'}, or {remedy}.",
        rejected.lines,
    )


def _write_report(path: Path, requested: Path | None, rejected: _RejectedLines) -> Path | None:
    """The rejected lines as a CSV file, if requested or if they are too many to print."""
    if not requested and (rejected.count <= MAX_PRINTED or not path.is_file()):
        return None
    report = requested or path.with_name(f"{path.stem}.refused.csv")
    try:
        with report.open("w", encoding="utf-8-sig", newline="") as file:
            subscriber_csv.write(file, ("line", "reason"), rejected.lines)
    except OSError as error:
        if requested is None:
            return None
        raise NewsletterError(
            f"Cannot write {report}: {error.strerror}. Choose another --report."
        ) from error
    return report


def add(desk: Desk, address: str, name: str, *, again: bool = False) -> str:
    """Add one person as active, and return the normalized address.

    Raises UsageError if the address was erased, or is suppressed and ``again`` is not set.
    """
    email = _normalised(address)
    with desk.writing() as connection:
        people = Subscribers(connection, desk.config.newsletter.list)
        reason = people.suppression_reason(email)
        if again:
            people.lift_suppression(email, desk.clock())
        elif reason not in (None, ERASED):
            raise UsageError(
                f"{email} was not added: the address is suppressed ({reason}). "
                f"If they ask for it and the reason no longer holds, use --again."
            )
        refusal = people.add(email, _clean(name), ACTIVE, desk.clock(), revive=True)
    if refusal:
        raise UsageError(f"{email} was not added: {refusal}.")
    return email


def remove(desk: Desk, address: str) -> str:
    """Unsubscribe one person, and return the normalized address.

    Raises UsageError if they are not active on the list.
    """
    email = _normalised(address)
    with desk.writing() as connection:
        removed = Subscribers(connection, desk.config.newsletter.list).remove(email, desk.clock())
    if not removed:
        raise UsageError(
            f"{email} is not an active subscriber of the list {desk.config.newsletter.list!r}. "
            f"See who is: newsletter subscribers show"
        )
    return email


def erase(desk: Desk, address: str) -> tuple[str, bool]:
    """Erase one person for good, and never mail the address again.

    Returns the normalized address, and whether anybody had it.
    """
    email = _normalised(address)
    with desk.writing() as connection:
        return email, Subscribers(connection, desk.config.newsletter.list).erase(
            email, desk.clock()
        )


def everyone(desk: Desk) -> Iterator[Subscriber]:
    """Everyone on the list, sorted by address, read from the database one by one."""
    with desk.reading() as connection:
        yield from Subscribers(connection, desk.config.newsletter.list).everyone()


def _clean(name: str) -> str:
    try:
        return subscriber_csv.clean_name(name)
    except ValueError as error:
        raise UsageError(f"Not added: {error}. Use another --name.") from error


def _normalised(address: str) -> str:
    try:
        return subscriber_csv.normalize_address(address)
    except ValueError as error:
        raise UsageError(
            f"{str(error)[0].upper()}{str(error)[1:]} Write it as name@example.com."
        ) from error
