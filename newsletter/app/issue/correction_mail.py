"""The mail that corrects an issue: a folder like an issue's, with a note and no stories."""

from __future__ import annotations

import json
import re

from newsletter import issues
from newsletter.app.desk import Desk
from newsletter.errors import ContentError, NewsletterError, NotReadyError
from newsletter.model import Gathered, IssueName, Window
from newsletter.store import Connection, corrections
from newsletter.text.characters import beginning

_PREHEADER = 100  # narrow letters
_MARKUP = re.compile(r"([\\`*_\[\]<>#])")
_HEAD = """\
# The mail that corrects the issue of {issue}. This file is yours, and so is note.md, which is what
# the mail says. It goes only to those who got that issue.

subject = {subject}
preheader = {preheader}
"""


def draft(desk: Desk, name: IssueName, note: str, subject: str) -> None:
    """The folder of the mail: an issue without stories, whose note is the correction.

    Raises ContentError where a folder of that name is there.
    """
    folder, language, now = issues.folder_of(desk.folder, name), desk.language, desk.clock()
    if folder.exists():
        raise ContentError(
            f"{folder} is there already, although the database knows of no such correction. Move "
            f"it away, and do it again. Nothing was corrected."
        )
    try:
        sent = issues.read_gathered(issues.folder_of(desk.folder, name.corrected))
    except NewsletterError:  # it is needed for the editor's name alone
        sent = None
    issues.write_gathered(
        folder, Gathered(Window(now, now), now, editor=sent.editor if sent else None)
    )
    head = _HEAD.format(
        issue=name.corrected,
        subject=json.dumps(language.say("correction_subject", subject=subject), ensure_ascii=False),
        preheader=json.dumps(beginning(note, _PREHEADER), ensure_ascii=False),
    )
    issues.write_atomically(folder / "issue.toml", head)
    paragraphs = [
        language.say("correction_intro", date=language.long_date(name.date)),
        _MARKUP.sub(r"\\\1", note),
    ]
    if desk.config.newsletter.base_url:
        read = language.words["correction_read"]
        paragraphs.append(f"[{read}]({desk.page_url(name.corrected)})")
    issues.write_atomically(folder / "note.md", "\n\n".join(paragraphs) + "\n")


def undone(connection: Connection, newsletter: str, issue: IssueName) -> bool:
    """Whether it is the mail about a correction that was taken back since."""
    if not issue.is_correction:
        return False
    known = corrections.of_issue(connection, newsletter, issue.corrected)
    return any(each.number == issue.correction and each.withdrawn for each in known)


def refuse_undone(connection: Connection, newsletter: str, issue: IssueName) -> None:
    """Raise NotReadyError where the mail tells of what was taken back."""
    if undone(connection, newsletter, issue):
        raise NotReadyError(
            f"Correction {issue.correction} of issue {issue.corrected} was undone, so its mail "
            f"goes to nobody. Remove its folder, issues/{issue}. What is still to be said needs a "
            f"new one: newsletter correct {issue.corrected} --note TEXT --mail"
        )
