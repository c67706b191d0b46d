"""The mail about a correction: an issue folder with a note and without stories."""

from __future__ import annotations

import json
import re

from newsletter import issues
from newsletter.app.desk import Desk
from newsletter.errors import ContentError, NewsletterError, NotReadyError
from newsletter.model import Gathered, IssueName, Window
from newsletter.store import Connection, corrections
from newsletter.text.characters import truncate

_PREHEADER = 100  # narrow characters
_MARKUP = re.compile(r"([\\`*_\[\]<>#])")
_HEAD = """\
# The mail that corrects the issue of {issue}. This file is yours, and so is note.md, the text of
# the mail. It goes only to readers who got that issue.

subject = {subject}
preheader = {preheader}
"""


def draft(desk: Desk, name: IssueName, note: str, subject: str) -> None:
    """Write the mail's folder: an issue without stories, whose note is the correction.

    Raises ContentError if the folder exists.
    """
    folder, language, now = issues.folder_of(desk.folder, name), desk.language, desk.clock()
    if folder.exists():
        raise ContentError(
            f"{folder} exists, although the database has no such correction. Move the folder away "
            f"and try again. Nothing was corrected."
        )
    try:
        gathered = issues.read_gathered(issues.folder_of(desk.folder, name.corrected))
    except NewsletterError:  # it is only needed for the editor's name
        gathered = None
    issues.write_gathered(
        folder, Gathered(Window(now, now), now, editor=gathered.editor if gathered else None)
    )
    head = _HEAD.format(
        issue=name.corrected,
        subject=json.dumps(language.say("correction_subject", subject=subject), ensure_ascii=False),
        preheader=json.dumps(truncate(note, _PREHEADER), ensure_ascii=False),
    )
    issues.write_atomically(folder / "issue.toml", head)
    paragraphs = [
        language.say("correction_intro", date=language.long_date(name.date)),
        _MARKUP.sub(r"\\\1", note),
    ]
    if desk.config.newsletter.base_url:
        label = language.words["correction_read"]
        paragraphs.append(f"[{label}]({desk.page_url(name.corrected)})")
    issues.write_atomically(folder / "note.md", "\n\n".join(paragraphs) + "\n")


def is_withdrawn(connection: Connection, newsletter: str, issue: IssueName) -> bool:
    """Whether it is the mail about a correction that was withdrawn."""
    if not issue.is_correction:
        return False
    all_corrections = corrections.for_issue(connection, newsletter, issue.corrected)
    return any(c.number == issue.correction and c.withdrawn for c in all_corrections)


def refuse_withdrawn(connection: Connection, newsletter: str, issue: IssueName) -> None:
    """Raise NotReadyError if the mail is about a withdrawn correction."""
    if is_withdrawn(connection, newsletter, issue):
        raise NotReadyError(
            f"Correction {issue.correction} of issue {issue.corrected} was withdrawn, so its "
            f"mail cannot be sent. Remove its folder, issues/{issue}. Make a new correction with: "
            f"newsletter correct {issue.corrected} --note TEXT --mail"
        )
