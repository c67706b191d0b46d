"""Corrections: what is mended on an issue's page, and the mail that tells its readers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from newsletter.addresses import host_of, split
from newsletter.app import archive, correction_mail, issue_page, receipts
from newsletter.app.desk import Desk
from newsletter.errors import UsageError
from newsletter.model import Change, Correction, CorrectionDate, IssueText
from newsletter.model.archive import Kind
from newsletter.render import webview
from newsletter.render.mending import mended, mended_text
from newsletter.store import Connection, corrections, readers
from newsletter.store import archive as texts

LONGEST = 1_000  # letters of a note


@dataclass(frozen=True)
class Corrected:
    """What a correction did. ``places``: how often each of its changes is on the page;
    ``public``: whether anybody may read that yet.

    ``mail``: the mail that was made of it, for so many ``readers``.
    """

    issue: date
    correction: Correction
    address: str
    public: bool
    places: tuple[int, ...]
    mail: CorrectionDate | None = None
    readers: int = 0


def listed(desk: Desk, issue: date) -> tuple[Correction, ...]:
    """What was mended in an issue. Raises NotReadyError where it was never sent."""
    receipts.find(desk, issue)
    with desk.database.read() as connection:
        return corrections.of_issue(connection, desk.name, issue.isoformat())


def correct(
    desk: Desk,
    issue: date,
    *,
    note: str = "",
    words: Sequence[tuple[str, str]] = (),
    links: Sequence[tuple[str, str]] = (),
    mail: bool = False,
) -> Corrected:
    """Mend the issue's page, and with ``mail`` make the folder of the mail that tells of it.

    Raises UsageError for what is not on the page, NotReadyError where the issue was never sent.
    """
    note = _note(note, mail)
    changes = (*_changes(Kind.WORDS, words), *_changes(Kind.LINK, links))
    if not note and not changes:
        raise UsageError(
            "There is nothing to correct. Say it to readers with --note, or mend the page with "
            "--replace OLD --by NEW, or --link OLD --to NEW."
        )
    send_id = receipts.find(desk, issue).send.id
    text, before = _now(desk, send_id, issue)
    public = any(each.send == send_id for each in archive.published(desk))
    places = _places(desk, send_id, text.subject, before, changes)
    with desk.database.begin() as connection:
        made = corrections.add(connection, send_id, changes, desk.clock(), note=note, mailed=mail)
        now = _indexed(desk, connection, send_id, issue, text)
        if not mail:
            return Corrected(issue, made, archive.address(desk, issue), public, places)
        count = readers.count_of(connection, desk.config.newsletter.list, send_id)
        name = CorrectionDate(issue, made.number)
        correction_mail.draft(desk, name, note, now.subject)
    return Corrected(issue, made, archive.address(desk, issue), public, places, name, count)


def withdraw(desk: Desk, issue: date, number: int) -> Correction:
    """Take a correction back that was a mistake itself; a mail about it is left alone.

    Raises UsageError where there is none of that number, NotReadyError as ``correct`` does.
    """
    send_id = receipts.find(desk, issue).send.id
    text, _ = _now(desk, send_id, issue)
    with desk.database.begin() as connection:
        name = issue.isoformat()
        known = {each.number: each for each in corrections.of_issue(connection, desk.name, name)}
        if number not in known or not corrections.withdraw(
            connection, desk.name, name, number, desk.clock()
        ):
            raise UsageError(
                f"Issue {issue} has no correction {number} to undo. "
                f"See which it has: newsletter correct {issue} --list"
            )
        _indexed(desk, connection, send_id, issue, text)
    return known[number]


def _now(desk: Desk, send_id: int, issue: date) -> tuple[IssueText, tuple[Change, ...]]:
    """What the issue said when it was sent, and what was mended since."""
    archive.complete(desk)
    with desk.database.read() as connection:
        text = texts.text_of(connection, send_id)
        known = corrections.of_issue(connection, desk.name, issue.isoformat())
    return text, _shown(known)


def _shown(known: Iterable[Correction]) -> tuple[Change, ...]:
    return tuple(change for each in known if not each.withdrawn for change in each.changes)


def _indexed(
    desk: Desk, connection: Connection, send_id: int, issue: date, text: IssueText
) -> IssueText:
    """What the issue says now; it is found by that from now on."""
    known = corrections.of_issue(connection, desk.name, issue.isoformat())
    now = mended_text(text, _shown(known))
    texts.index(connection, send_id, now)
    return now


def _places(
    desk: Desk, send_id: int, subject: str, before: tuple[Change, ...], changes: Iterable[Change]
) -> tuple[int, ...]:
    """How often each change has something to mend; a subject may stand nowhere but in the list."""
    html, found = issue_page.neutral(desk, send_id), []
    for change in changes:
        places = webview.count(html, before, change)
        said = mended(subject, before)
        if not places and mended(said, (change,)) == said:
            what = "link to" if change.kind is Kind.LINK else "text"
            raise UsageError(
                f"The page has no {what} {change.old!r}, so there is nothing to mend. Give it as "
                f"it stands there now, letter for letter; words on both sides of a link or of "
                f"bold type are mended one by one."
            )
        before = (*before, change)
        found.append(places)
    return tuple(found)


def _note(note: str, mail: bool) -> str:
    said = " ".join(note.split())
    if not said.isprintable():
        raise UsageError("--note holds a control character. Write it anew, in plain letters.")
    if len(said) > LONGEST:
        raise UsageError(f"--note has {len(said)} letters; the most is {LONGEST}. Shorten it.")
    if mail and not said:
        raise UsageError("A mail needs words. Say with --note what was wrong, and what is right.")
    return said


def _changes(kind: Kind, pairs: Iterable[tuple[str, str]]) -> Iterable[Change]:
    option = "--link" if kind is Kind.LINK else "--replace"
    for old, new in pairs:
        old, new = " ".join(old.split()), " ".join(new.split())
        if not old or old == new:
            raise UsageError(f"{option} {old!r} changes nothing. Give the old and the new.")
        if not (old + new).isprintable():
            raise UsageError(f"{option} holds a control character. Write it in plain letters.")
        if kind is Kind.LINK and (split(new).scheme != "https" or not host_of(new)):
            raise UsageError(f"--to names {new!r}, which is no https:// address. Give one.")
        yield Change(kind, old, new)
