"""The subscribers of the newsletter's list."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from newsletter import subscriber_csv
from newsletter.app.desk import Desk
from newsletter.errors import ContentError, LinesError, NewsletterError, UsageError
from newsletter.model import Status
from newsletter.store.subscriber_import import Import, Merged
from newsletter.store.subscribers import People, Person
from newsletter.store.subscription_status import ACTIVE
from newsletter.store.suppression import ERASED
from newsletter.subscriber_csv import SubscriberFile

AT_ONCE = 10_000  # people who are set aside in one go
SHOWN = 20  # refused lines that are printed; more of them go into a file
LISTED = 100_000  # refused lines that are remembered: with more, it is the wrong file

Progress = Callable[[str, float | None], None]  # what is being done, and how much of it, 0 to 1


@dataclass(frozen=True)
class ImportResult:
    """What an import did. ``refused``: number and reason of the lines that were not used.

    ``not_used``: how many these are; no more than LISTED of them are named.
    """

    used: int
    new: int
    repeated: int
    kept_out: int
    statuses: dict[Status, int]
    refused: Sequence[tuple[int, str]]
    not_used: int
    read_as: str
    report: Path | None  # where the refused lines stand, if in a file


class _Refused:
    """The lines that cannot be used, as many of them as anybody will read."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str]] = []
        self.count = 0

    def __call__(self, line: int, reason: str) -> None:
        self.count += 1
        if self.count <= LISTED:
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
    """Put everybody in the file on the list, in one transaction.

    ``status``: what everybody in it is at least. ``report``: a file for the refused lines; where
    there are many of them they go into one beside ``path`` in any case.
    Raises LinesError with every bad line unless they are to be skipped. Nobody who has
    unsubscribed becomes active again by it, and nobody who was erased comes back.
    """
    refused = _Refused()
    if report:
        if report.exists() and path.exists() and report.samefile(path):
            raise UsageError(f"The report would take the place of {path}. Choose another --report.")
        _write_report(path, report, refused)  # a place that cannot be written to is said at once
    with subscriber_csv.opened(path, encoding) as file:
        if status is None and file.unsaid:
            raise UsageError(
                f"{path} has no column of states, and by its name these people are not to be "
                f"mailed. Say what they are: --status {file.unsaid.word} "
                f"(or --status active, if they are to be mailed)."
            )
        try:
            merged = _import(
                desk, path, file, refused, status or Status.ACTIVE, skip_bad_lines, progress
            )
        except LinesError as error:
            written = _write_report(path, report, refused)
            raise LinesError(f"{error}{_where(written)}", refused.lines) from None
        for line, email in merged.erased:
            refused(line, f"{email}: this address was erased and is never mailed again")
        refused.lines.sort()
        return ImportResult(
            used=merged.people,
            new=merged.new,
            repeated=merged.repeated,
            kept_out=merged.kept_out,
            statuses=merged.statuses,
            refused=refused.lines,
            not_used=refused.count,
            read_as=file.described,
            report=_write_report(path, report, refused),
        )


def _import(
    desk: Desk,
    path: Path,
    file: SubscriberFile,
    refused: _Refused,
    status: Status,
    skip: bool,
    progress: Progress,
) -> Merged:
    with desk.writing() as connection:
        people = People(connection, desk.config.newsletter.list)
    rows = file.rows(refused, status)
    with (
        desk.database.write_last() as connection,
        Import(connection, people.keys, people.list_id) as aside,
    ):
        count = 0
        while batch := list(islice(rows, AT_ONCE)):
            aside.put(batch)
            count += len(batch)
            progress(f"Reading {path.name}", file.share)
        _require_people(path, refused, count, skip)
        progress(f"Writing {count:,} people", None)
        return aside.merge(desk.clock())


def _require_people(path: Path, refused: _Refused, count: int, skip: bool) -> None:
    if not refused.count and not count:
        raise ContentError(
            f"{path} has a header and no people below it, so nobody was imported. "
            f"Export it again, or choose another file."
        )
    if not refused.count or (skip and count):
        return
    lines = "\n".join(f"  line {number}: {reason}" for number, reason in refused.lines[:SHOWN])
    if refused.count > SHOWN:
        lines += f"\n  and {refused.count - SHOWN:,} more"
    what = "1 line" if refused.count == 1 else f"{refused.count:,} lines"
    others = "the other line" if count == 1 else f"the other {count:,} lines"
    remedy = f"import {others} with --skip-bad-lines" if count else "choose another file"
    raise LinesError(
        f"Nobody was imported: {path} has {what} that cannot be used:\n{lines}\n"
        f"Mend {'it' if refused.count == 1 else 'them'}, or {remedy}.",
        refused.lines,
    )


def _write_report(path: Path, asked: Path | None, refused: _Refused) -> Path | None:
    """The refused lines as a CSV file, if that was asked for, or they are too many to print."""
    if not asked and (refused.count <= SHOWN or not path.is_file()):
        return None
    report = asked or path.with_name(f"{path.stem}.refused.csv")
    try:
        with report.open("w", encoding="utf-8-sig", newline="") as file:
            subscriber_csv.write(file, ("line", "reason"), refused.lines)
    except OSError as error:
        if asked is None:
            return None
        raise NewsletterError(
            f"The report {report} could not be written: {error.strerror}. Choose another --report."
        ) from error
    return report


def _where(report: Path | None) -> str:
    return f" They stand in {report}." if report else ""


def add(desk: Desk, address: str, name: str, *, again: bool = False) -> str:
    """Put one person on the list, active; their address as it is stored.

    Raises UsageError where that is refused: the address was erased, or it is suppressed and not
    to be mailed ``again``.
    """
    email = _normalised(address)
    with desk.writing() as connection:
        people = People(connection, desk.config.newsletter.list)
        reason = people.suppressed(email)
        if again:
            people.permit(email, desk.clock())
        elif reason not in (None, ERASED):
            raise UsageError(
                f"{email} was not added: it is not to be mailed ({reason}). "
                f"If that is over, and they wish it, say so with --again."
            )
        why = people.add(email, _clean(name), ACTIVE, desk.clock(), revive=True)
    if why:
        raise UsageError(f"{email} was not added: {why}.")
    return email


def remove(desk: Desk, address: str) -> str:
    """Unsubscribe one person; raises UsageError where they are not active on the list."""
    email = _normalised(address)
    with desk.writing() as connection:
        gone = People(connection, desk.config.newsletter.list).remove(email, desk.clock())
    if not gone:
        raise UsageError(
            f"{email} is no active subscriber of the list {desk.config.newsletter.list!r}. "
            f"Look who is: newsletter subscribers show"
        )
    return email


def erase(desk: Desk, address: str) -> tuple[str, bool]:
    """Forget one person for good, and bar the address; False where nobody had it."""
    email = _normalised(address)
    with desk.writing() as connection:
        return email, People(connection, desk.config.newsletter.list).erase(email, desk.clock())


def everyone(desk: Desk) -> Iterator[Person]:
    """Everybody on the list, by address, as they come from the database."""
    with desk.reading() as connection:
        yield from People(connection, desk.config.newsletter.list).everyone()


def _clean(name: str) -> str:
    try:
        return subscriber_csv.clean_name(name)
    except ValueError as error:
        raise UsageError(f"They were not added: {error}. Write another --name.") from error


def _normalised(address: str) -> str:
    try:
        return subscriber_csv.normalised(address)
    except ValueError as error:
        raise UsageError(
            f"{str(error)[0].upper()}{str(error)[1:]} Write it as name@example.com."
        ) from error
