"""The sent issues that the public may read: the list, the search, and redirects.

Everything comes from what the send froze, so no issue folder is needed. Sends of older versions
stored no text; it is extracted from their mail when it is first needed.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from newsletter.app.desk import Desk
from newsletter.errors import DatabaseError
from newsletter.model import Correction, IssueText, Published
from newsletter.model.archive import ChangeKind
from newsletter.render import webview
from newsletter.render.corrections import correct_issue_text
from newsletter.sanitize.urls import canonical
from newsletter.store import archive, search_counts
from newsletter.text import search_terms
from newsletter.text.search_terms import Highlighted

log = logging.getLogger(__name__)

FEEDS = (
    ("feed.xml", "application/rss+xml", "RSS"),
    ("atom.xml", "application/atom+xml", "Atom"),
    ("feed.json", "application/feed+json", "JSON"),
)


@dataclass(frozen=True)
class Hit:
    """An issue that matches a search, with the matches marked."""

    issue: Published
    subject: Highlighted
    excerpt: Highlighted


def version(desk: Desk) -> object:
    """A value that changes whenever the archive shows something else."""
    return desk.read(archive.version, desk.name, desk.clock())


def published(desk: Desk) -> list[Published]:
    """Every public issue, newest first."""
    extract_missing_texts(desk)
    return desk.read(archive.published, desk.name, desk.clock())


def extract_missing_texts(desk: Desk) -> None:
    """Extract and store the texts of issues that older versions sent."""
    mails = desk.read(archive.sends_without_text, desk.name)
    if mails:
        texts = {send: webview.read_issue_text(*parts) for send, *parts in mails}
        with desk.writing() as connection:
            for send, text in texts.items():
                archive.save_text(connection, send, text, desk.config.newsletter.language)


def corrected_text(issue: Published) -> IssueText:
    """The issue's text with all its corrections."""
    return correct_issue_text(issue.text, issue.changes)


def may_search(desk: Desk, network: str) -> bool:
    """Count a search; False if the network has used up its searches of this hour.

    A network over its limit only reads, so a flood writes nothing.
    """
    limit, now = desk.config.public.searches_per_network, desk.clock()
    with desk.reading() as connection:
        if search_counts.current(connection, network, now) >= limit:
            return False
    try:
        with desk.writing(durable=False) as connection:
            return search_counts.increment(connection, network, now) <= limit
    except DatabaseError as error:  # a search works even if it cannot be counted
        log.warning("A search was not counted: %s", error)
        return True


def search(desk: Desk, query: str, issues: list[Published]) -> list[Published]:
    """Those of the issues that contain every word of the query, newest first."""
    sends = desk.read(archive.search, desk.name, search_terms.phrases(query), desk.clock())
    by_send = {issue.send: issue for issue in issues}
    return [by_send[send] for send in sends if send in by_send]


def hit(issue: Published, query: str) -> Hit:
    """A search result with its excerpt. It takes about a millisecond, so make only those shown."""
    text = corrected_text(issue)
    stories = [f"{s.headline}: {s.blurb}" if s.blurb else s.headline for s in text.stories]
    passages = [text.preheader, *stories, *text.note.split("\n")]
    subject = search_terms.highlight(text.subject, query)
    return Hit(issue, subject, search_terms.excerpt(passages, query))


def correction_note(desk: Desk, correction: Correction) -> tuple[str, str]:
    """A correction for readers: a label with its date, and the note."""
    day = desk.language.whole_date(correction.at.astimezone(desk.config.zone).date())
    return f"{desk.language.words['correction']} ({day}):", correction.note


def redirect_target(desk: Desk, issues: list[Published], address: str) -> str | None:
    """Where corrections redirect one of our own addresses; None if nowhere, or in a circle.

    ``address`` is what follows base_url.
    """
    corrections = sorted((c for issue in issues for c in issue.corrections), key=lambda c: c.at)
    targets = {
        canonical(change.old): change.new
        for correction in corrections
        for change in correction.changes
        if change.kind is ChangeKind.LINK
    }
    url, visited, target = canonical(f"{desk.config.newsletter.base_url}{address}"), set(), None
    while url in targets and url not in visited:
        visited.add(url)
        target = targets[url]
        url = canonical(target)
    return None if url in visited else target
