"""What was sent, on the web: the list of issues, each with its page, and what is found in them.

An issue's page is made of what its send has frozen, so it needs no folder. What an issue says is
kept by the freeze; of sends of older versions it is read from the mail once, when first asked for.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from newsletter.app.desk import Desk
from newsletter.errors import DatabaseError
from newsletter.model import Correction, IssueText, Published
from newsletter.model.archive import Kind
from newsletter.render import webview
from newsletter.render.mending import mended_text
from newsletter.sanitize.urls import canonical
from newsletter.store import archive, search_counts
from newsletter.text import search_terms
from newsletter.text.search_terms import Marked

log = logging.getLogger(__name__)

FEEDS = (
    ("feed.xml", "application/rss+xml", "RSS"),
    ("atom.xml", "application/atom+xml", "Atom"),
    ("feed.json", "application/feed+json", "JSON"),
)


@dataclass(frozen=True)
class Hit:
    """An issue that has what was looked for; ``subject`` and ``excerpt`` with marks."""

    issue: Published
    subject: Marked
    excerpt: Marked


def version(desk: Desk) -> object:
    """Another one whenever the archive shows something else."""
<<<<<<< HEAD
    return desk.read(archive.mark, desk.name, desk.clock())
=======
    with desk.database.read() as connection:
        return archive.version(connection, desk.name, desk.clock())
>>>>>>> dfa56cc (wip)


def published(desk: Desk) -> list[Published]:
    """Every issue that anybody may read, the newest first."""
    complete(desk)
    return desk.read(archive.published, desk.name, desk.clock())


def complete(desk: Desk) -> None:
    """Read from the mails of older versions what they say, where that is not kept yet."""
    unread = desk.read(archive.without_texts, desk.name)
    if unread:
        said = {number: webview.read(*parts) for number, *parts in unread}
        with desk.writing() as connection:
            for number, text in said.items():
                archive.keep(connection, number, text, desk.config.newsletter.language)


def corrected_text(issue: Published) -> IssueText:
    """What the issue says, with what was mended since."""
    return mended_text(issue.text, issue.changes)


def may_search(desk: Desk, network: str) -> bool:
    """Count a search; False where that network has had its searches of this hour.

    Who has, is correction_note so by a look alone: a flood writes nothing.
    """
    most, now = desk.config.public.searches_per_network, desk.clock()
    with desk.reading() as connection:
        if search_counts.times(connection, network, now) >= most:
            return False
    try:
        with desk.writing(waits=False) as connection:
            return search_counts.count(connection, network, now) <= most
    except DatabaseError as error:  # whoever reads does not suffer from what cannot be written
        log.warning("A search was not counted: %s", error)
        return True


def search(desk: Desk, asked: str, issues: list[Published]) -> list[Published]:
    """Those of the issues that have all of the words, the newest first."""
    found = desk.read(archive.search, desk.name, search_terms.phrases(asked), desk.clock())
    known = {issue.send: issue for issue in issues}
    return [known[number] for number in found if number in known]


def hit(issue: Published, asked: str) -> Hit:
    """What is shown of an issue that was found. It takes a millisecond: only for what is shown."""
    text = corrected_text(issue)
    stories = [f"{p.headline}: {p.blurb}" if p.blurb else p.headline for p in text.stories]
    passages = [text.preheader, *stories, *text.note.split("\n")]
    subject = search_terms.marked(text.subject, asked)
    return Hit(issue, subject, search_terms.excerpt(passages, asked))


def correction_note(desk: Desk, correction: Correction) -> tuple[str, str]:
    """A correction as readers are correction_note of it: when, with the year, as pages last; and what."""
    day = desk.language.whole_date(correction.at.astimezone(desk.config.zone).date())
    return f"{desk.language.words['correction']} ({day}):", correction.note


def redirect_target(desk: Desk, issues: list[Published], asked: str) -> str | None:
    """Where corrections let an address of our own lead in the end; ``asked``: what follows
    base_url. None: nowhere, or round in a circle.
    """
    made = sorted((each for issue in issues for each in issue.corrections), key=lambda c: c.at)
    leads = {
        canonical(change.old): change.new
        for each in made
        for change in each.changes
        if change.kind is Kind.LINK
    }
    where, been, to = canonical(f"{desk.config.newsletter.base_url}{asked}"), set(), None
    while where in leads and where not in been:
        been.add(where)
        to = leads[where]
        where = canonical(to)
    return None if where in been else to
