"""Correct an issue's page on the web, and draft the mail that tells its readers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from newsletter.app.archive import issue_page, past_issues
from newsletter.app.desk import Desk
from newsletter.app.issue import correction_mail
from newsletter.errors import UsageError
from newsletter.model import Change, Correction, IssueName, IssueText
from newsletter.model.archive import ChangeKind
from newsletter.render import webview
from newsletter.render.corrections import correct_issue_text, correct_words
from newsletter.store import Connection, corrections, mailable
from newsletter.store import archive as texts
from newsletter.text.urls import host_of, split

MAX_NOTE = 1_000  # characters
_MISSING = {
    ChangeKind.LINK: ("link to", ""),
    ChangeKind.WORDS: (
        "text",
        "; correct words on both sides of a link or of bold type one by one",
    ),
}


@dataclass(frozen=True)
class CorrectionResult:
    """What a correction did."""

    issue: IssueName
    correction: Correction
    address: str  # of the issue's page
    public: bool  # whether the page is public yet
    places: tuple[int, ...]  # for each change, how often the page contains the old text
    mail: IssueName | None = None  # the correction mail that was drafted
    readers: int = 0  # how many would get that mail


def list_corrections(desk: Desk, issue: IssueName) -> tuple[Correction, ...]:
    """The issue's corrections. Raises NotReadyError if it was never sent."""
    desk.require_sent(issue)
    return desk.read(corrections.for_issue, desk.name, issue)


def correct(
    desk: Desk,
    issue: IssueName,
    *,
    note: str = "",
    words: Sequence[tuple[str, str]] = (),
    links: Sequence[tuple[str, str]] = (),
    mail: bool = False,
) -> CorrectionResult:
    """Correct the issue's page; with ``mail``, draft the mail about it.

    ``words`` and ``links`` are pairs of old and new. Raises UsageError if the page does not contain
    an old one, NotReadyError if the issue was never sent.
    """
    note = _clean_note(note, mail)
    changes = (*_changes(ChangeKind.WORDS, words), *_changes(ChangeKind.LINK, links))
    if not note and not changes:
        raise UsageError(
            "There is nothing to correct. Tell readers with --note, or change the page with "
            "--replace OLD --by NEW, or --link OLD --to NEW."
        )
    send_id = desk.require_sent(issue).send.id
    text, earlier = _text_and_changes(desk, send_id, issue)
    public = any(published.send == send_id for published in past_issues.published(desk))
    places = _count_places(desk, send_id, text.subject, earlier, changes)
    url = desk.page_url(issue)
    with desk.writing() as connection:
        correction = corrections.add(
            connection, send_id, changes, desk.clock(), note=note, mailed=mail
        )
        corrected = _update_search(desk, connection, send_id, issue, text)
        if not mail:
            return CorrectionResult(issue, correction, url, public, places)
        count = mailable.count(connection, desk.config.newsletter.list, send_id)
        name = IssueName(issue.date, correction.number)
        correction_mail.draft(desk, name, note, corrected.subject)
    return CorrectionResult(issue, correction, url, public, places, name, count)


def withdraw(desk: Desk, issue: IssueName, number: int) -> Correction:
    """Withdraw a correction. If its mail is already being sent, that send continues.

    Raises UsageError if there is no such correction, or if a later one changes what it wrote;
    NotReadyError if the issue was never sent.
    """
    send_id = desk.require_sent(issue).send.id
    text, _ = _text_and_changes(desk, send_id, issue)
    all_corrections = list_corrections(desk, issue)
    correction = next((c for c in all_corrections if c.number == number), None)
    if correction:
        _require_independent(desk, send_id, text.subject, all_corrections, number)
    with desk.writing() as connection:
        now = desk.clock()
        if not correction or not corrections.withdraw(connection, desk.name, issue, number, now):
            raise UsageError(
                f"Issue {issue} has no correction {number} to undo. "
                f"See its corrections with: newsletter correct {issue} --list"
            )
        _update_search(desk, connection, send_id, issue, text)
    return correction


def _text_and_changes(
    desk: Desk, send_id: int, issue: IssueName
) -> tuple[IssueText, tuple[Change, ...]]:
    """The issue's text as it was sent, and the changes since."""
    past_issues.extract_missing_texts(desk)
    with desk.reading() as connection:
        text = texts.sent_text(connection, send_id)
        issue_corrections = corrections.for_issue(connection, desk.name, issue)
    return text, _active_changes(issue_corrections)


def _active_changes(issue_corrections: Iterable[Correction]) -> tuple[Change, ...]:
    return tuple(change for c in issue_corrections if not c.withdrawn for change in c.changes)


def _update_search(
    desk: Desk, connection: Connection, send_id: int, issue: IssueName, text: IssueText
) -> IssueText:
    """The issue's text with all corrections; the search finds it by that from now on."""
    issue_corrections = corrections.for_issue(connection, desk.name, issue)
    corrected = correct_issue_text(text, _active_changes(issue_corrections))
    texts.update_search_text(connection, send_id, corrected)
    return corrected


def _count_places(
    desk: Desk, send_id: int, subject: str, earlier: tuple[Change, ...], changes: Iterable[Change]
) -> tuple[int, ...]:
    """For each change, how often the page contains its old text. Raises UsageError for none."""
    html, counts = issue_page.neutral(desk, send_id), []
    for change in changes:
        if (count := _count(html, subject, earlier, change)) is None:
            thing, hint = _MISSING[change.kind]
            raise UsageError(
                f"The page has no {thing} {change.old!r}, so nothing was changed. "
                f"Give it exactly as it is on the page now{hint}."
            )
        earlier = (*earlier, change)
        counts.append(count)
    return tuple(counts)


def _require_independent(
    desk: Desk, send_id: int, subject: str, all_corrections: Sequence[Correction], number: int
) -> None:
    """Raises UsageError if a later correction changes what this one wrote."""
    html = issue_page.neutral(desk, send_id)
    earlier: tuple[Change, ...] = ()
    for correction in all_corrections:
        if correction.number == number or correction.withdrawn:
            continue
        for change in correction.changes:
            is_later = correction.number > number
            if is_later and _count(html, subject, earlier, change) is None:
                raise UsageError(
                    f"Correction {correction.number} changes what correction {number} wrote, so it "
                    f"would have no effect without it. Undo {correction.number} first."
                )
            earlier = (*earlier, change)


def _count(html: str, subject: str, earlier: tuple[Change, ...], change: Change) -> int | None:
    """How often the page contains the change's old text.

    0 if only the subject does, which appears in lists; None if nothing does.
    """
    current_subject = correct_words(subject, earlier)
    count = webview.count_matches(html, earlier, change)
    if count or correct_words(current_subject, (change,)) != current_subject:
        return count
    return None


def _clean_note(note: str, mail: bool) -> str:
    note = " ".join(note.split())
    if not note.isprintable():
        raise UsageError("--note contains a control character. Type it again as plain text.")
    if len(note) > MAX_NOTE:
        raise UsageError(f"--note has {len(note)} characters; the limit is {MAX_NOTE}. Shorten it.")
    if mail and not note:
        raise UsageError("A correction mail needs --note: say what was wrong and what is right.")
    return note


def _changes(kind: ChangeKind, pairs: Iterable[tuple[str, str]]) -> Iterable[Change]:
    option = "--link" if kind is ChangeKind.LINK else "--replace"
    for old_text, new_text in pairs:
        old, new = " ".join(old_text.split()), " ".join(new_text.split())
        if not old or old == new:
            raise UsageError(f"{option} {old!r} changes nothing. Give the old and the new text.")
        if not (old + new).isprintable():
            raise UsageError(f"{option} contains a control character. Type it as plain text.")
        if kind is ChangeKind.LINK and (split(new).scheme != "https" or not host_of(new)):
            raise UsageError(f"--to {new!r} is not an https:// address. Give one.")
        yield Change(kind, old, new)
