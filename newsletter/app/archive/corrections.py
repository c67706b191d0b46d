"""Corrections: what is mended on an issue's page, and the mail that tells its readers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from newsletter.app.archive import issue_page, past_issues
from newsletter.app.desk import Desk
from newsletter.app.issue import correction_mail
from newsletter.errors import UsageError
from newsletter.model import Change, Correction, IssueName, IssueText
from newsletter.model.archive import Kind
from newsletter.render import webview
from newsletter.render.mending import mended, mended_text
from newsletter.store import Connection, corrections, mailable
from newsletter.store import archive as texts
from newsletter.text.urls import host_of, split

LONGEST = 1_000  # letters of a note
_ABSENT = {
    Kind.LINK: ("link to", ""),
    Kind.WORDS: ("text", "; words on both sides of a link or of bold type are mended one by one"),
}


@dataclass(frozen=True)
class Corrected:
    """What a correction did. ``places``: how often each of its changes is on the page;
    ``public``: whether anybody may read that yet.

    ``mail``: the mail that was made of it, for so many ``readers``.
    """

    issue: IssueName
    correction: Correction
    address: str
    public: bool
    places: tuple[int, ...]
    mail: IssueName | None = None
    readers: int = 0


def listed(desk: Desk, issue: IssueName) -> tuple[Correction, ...]:
    """What was mended in an issue. Raises NotReadyError where it was never sent."""
    desk.require_sent(issue)
    return desk.read(corrections.of_issue, desk.name, issue)


def correct(
    desk: Desk,
    issue: IssueName,
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
    send_id = desk.require_sent(issue).send.id
    text, before = _now(desk, send_id, issue)
    public = any(each.send == send_id for each in past_issues.published(desk))
    places = _places(desk, send_id, text.subject, before, changes)
    with desk.writing() as connection:
        made = corrections.add(connection, send_id, changes, desk.clock(), note=note, mailed=mail)
        now = _indexed(desk, connection, send_id, issue, text)
        if not mail:
            return Corrected(issue, made, desk.page_url(issue), public, places)
        count = mailable.count_of(connection, desk.config.newsletter.list, send_id)
        name = IssueName(issue.date, made.number)
        correction_mail.draft(desk, name, note, now.subject)
    return Corrected(issue, made, desk.page_url(issue), public, places, name, count)


def withdraw(desk: Desk, issue: IssueName, number: int) -> Correction:
    """Take a correction back that was a mistake itself; a send of its mail that has begun goes on.

    Raises UsageError where there is none of that number, or a later one mends what it wrote;
    NotReadyError as ``correct`` does.
    """
    send_id = desk.require_sent(issue).send.id
    text, _ = _now(desk, send_id, issue)
    known = listed(desk, issue)
    found = next((each for each in known if each.number == number), None)
    if found:
        _require_last(desk, send_id, text.subject, known, number)
    with desk.writing() as connection:
        now = desk.clock()
        if not found or not corrections.withdraw(connection, desk.name, issue, number, now):
            raise UsageError(
                f"Issue {issue} has no correction {number} to undo. "
                f"See which it has: newsletter correct {issue} --list"
            )
        _indexed(desk, connection, send_id, issue, text)
    return found


def _now(desk: Desk, send_id: int, issue: IssueName) -> tuple[IssueText, tuple[Change, ...]]:
    """What the issue said when it was sent, and what was mended since."""
    past_issues.complete(desk)
    with desk.reading() as connection:
        text = texts.text_of(connection, send_id)
        known = corrections.of_issue(connection, desk.name, issue)
    return text, _shown(known)


def _shown(known: Iterable[Correction]) -> tuple[Change, ...]:
    return tuple(change for each in known if not each.withdrawn for change in each.changes)


def _indexed(
    desk: Desk, connection: Connection, send_id: int, issue: IssueName, text: IssueText
) -> IssueText:
    """What the issue says now; it is found by that from now on."""
    known = corrections.of_issue(connection, desk.name, issue)
    now = mended_text(text, _shown(known))
    texts.index(connection, send_id, now)
    return now


def _places(
    desk: Desk, send_id: int, subject: str, before: tuple[Change, ...], changes: Iterable[Change]
) -> tuple[int, ...]:
    """How often each change has something to mend."""
    html, found = issue_page.neutral(desk, send_id), []
    for change in changes:
        if (places := _count(html, subject, before, change)) is None:
            what, how = _ABSENT[change.kind]
            raise UsageError(
                f"The page has no {what} {change.old!r}, so there is nothing to mend. "
                f"Give it as it stands there now, letter for letter{how}."
            )
        before = (*before, change)
        found.append(places)
    return tuple(found)


def _require_last(
    desk: Desk, send_id: int, subject: str, known: Sequence[Correction], number: int
) -> None:
    """No later correction mends what this one wrote."""
    html = issue_page.neutral(desk, send_id)
    before: tuple[Change, ...] = ()
    for each in known:
        if each.number == number or each.withdrawn:
            continue
        for change in each.changes:
            if each.number > number and _count(html, subject, before, change) is None:
                raise UsageError(
                    f"Correction {each.number} mends what correction {number} wrote, so without it "
                    f"the page would read as it was mailed. Undo {each.number} first."
                )
            before = (*before, change)


def _count(html: str, subject: str, before: tuple[Change, ...], change: Change) -> int | None:
    """In how many places of the page there is something to mend; none is needed for words that
    only the subject has, which stands in lists. None: there is nothing.
    """
    said = mended(subject, before)
    places = webview.count(html, before, change)
    return places if places or mended(said, (change,)) != said else None


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
