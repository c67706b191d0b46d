"""Corrections: what is mended on an issue's page, and the mail that tells its readers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from newsletter import issues
from newsletter.addresses import host_of, split
from newsletter.app import archive, receipts
from newsletter.app.desk import Desk
from newsletter.errors import NewsletterError, UsageError
from newsletter.letters import columns
from newsletter.model import Change, Correction, CorrectionDate, Gathered, IssueText, Window
from newsletter.model.archive import Kind
from newsletter.render import webview
from newsletter.render.mending import mended_text
from newsletter.store import archive as texts
from newsletter.store import corrections, readers

LONGEST = 1_000  # letters of a note
_PREHEADER = 100  # narrow letters
_MARKUP = re.compile(r"([\\`*_\[\]<>#])")
_HEAD = """\
# The mail that corrects the issue of {issue}. This file is yours, and so is note.md, which is what
# the mail says. It goes only to those who got that issue.

subject = {subject}
preheader = {preheader}
"""


@dataclass(frozen=True)
class Corrected:
    """What a correction did. ``mail``: the mail that was made of it, for so many ``readers``."""

    issue: date
    correction: Correction
    address: str
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
    _require_occurring(desk, send_id, text, before, changes)
    with desk.database.begin() as connection:
        made = corrections.add(connection, send_id, changes, desk.clock(), note=note, mailed=mail)
        known = corrections.of_issue(connection, desk.name, issue.isoformat())
        now = mended_text(text, tuple(change for each in known for change in each.changes))
        texts.index(connection, send_id, now)
        if not mail:
            return Corrected(issue, made, _address(desk, issue))
        count = readers.count_of(connection, desk.config.newsletter.list, send_id)
        name = CorrectionDate(issue, made.number)
        _draft(desk, name, note, now.subject)
    return Corrected(issue, made, _address(desk, issue), name, count)


def _now(desk: Desk, send_id: int, issue: date) -> tuple[IssueText, tuple[Change, ...]]:
    """What the issue said when it was sent, and what was mended since."""
    archive.complete(desk)
    with desk.database.read() as connection:
        text = texts.text_of(connection, send_id)
        known = corrections.of_issue(connection, desk.name, issue.isoformat())
    return text, tuple(change for each in known for change in each.changes)


def _require_occurring(
    desk: Desk,
    send_id: int,
    text: IssueText,
    before: tuple[Change, ...],
    changes: Iterable[Change],
) -> None:
    html = archive.neutral(desk, send_id)
    for change in changes:
        said = mended_text(text, before)
        if not webview.count(html, before, change) and mended_text(said, (change,)) == said:
            what = "link to" if change.kind is Kind.LINK else "text"
            raise UsageError(
                f"The page has no {what} {change.old!r}, so there is nothing to mend. Give it as "
                f"it stands there now, letter for letter; words on both sides of a link or of "
                f"bold type are mended one by one."
            )
        before = (*before, change)


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


def _address(desk: Desk, issue: date) -> str:
    return f"{desk.config.newsletter.base_url or ''}/issues/{issue}"


def _draft(desk: Desk, name: CorrectionDate, note: str, subject: str) -> None:
    """The folder of the mail: an issue without stories, whose note is the correction."""
    folder, language, now = issues.folder_of(desk.folder, name), desk.language, desk.clock()
    try:
        sent = issues.read_gathered(issues.folder_of(desk.folder, name.corrected))
    except NewsletterError:  # it is needed for the dateline alone
        sent = None
    issues.write_gathered(
        folder,
        Gathered(
            Window(now, now),
            now,
            dateline=sent.dateline if sent else None,
            editor=sent.editor if sent else None,
        ),
    )
    head = _HEAD.format(
        issue=name.corrected,
        subject=json.dumps(language.say("correction_subject", subject=subject), ensure_ascii=False),
        preheader=json.dumps(_beginning(note), ensure_ascii=False),
    )
    issues.write_atomically(folder / "issue.toml", head)
    paragraphs = [
        language.say("correction_intro", date=language.long_date(name.corrected)),
        _MARKUP.sub(r"\\\1", note),
    ]
    if desk.config.newsletter.base_url:
        read = language.words["correction_read"]
        paragraphs.append(f"[{read}]({_address(desk, name.corrected)})")
    issues.write_atomically(folder / "note.md", "\n\n".join(paragraphs) + "\n")


def _beginning(note: str) -> str:
    """As much of it as inboxes show."""
    if columns(note) <= _PREHEADER:
        return note
    while columns(note) >= _PREHEADER:
        note = note.rpartition(" ")[0] or note[:-1]
    return f"{note}…"
