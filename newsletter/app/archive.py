"""What was sent, on the web: the list of issues, each with its page, and what is found in them.

An issue's page is made of what its send has frozen, so it needs no folder. What an issue says is
kept by the freeze; of sends of older versions it is read from the mail once, when first asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from email.utils import parseaddr
from typing import Any
from urllib.parse import quote, urlsplit

from newsletter import links, terms, tokens
from newsletter.app.desk import Desk
from newsletter.model import Correction, IssueText, Published
from newsletter.render import webview
from newsletter.render.mending import leading, mended_text
from newsletter.store import archive
from newsletter.terms import Marked

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


def mark(desk: Desk) -> object:
    """Another one whenever the archive shows something else."""
    with desk.database.read() as connection:
        return archive.mark(connection, desk.name, desk.clock())


def published(desk: Desk) -> list[Published]:
    """Every issue that anybody may read, the newest first."""
    complete(desk)
    with desk.database.read() as connection:
        return archive.published(connection, desk.name, desk.clock())


def complete(desk: Desk) -> None:
    """Read from the mails of older versions what they say, where that is not kept yet."""
    with desk.database.read() as connection:
        unread = archive.without_texts(connection, desk.name)
    if unread:
        said = {number: webview.read(*parts) for number, *parts in unread}
        with desk.database.begin() as connection:
            for number, text in said.items():
                archive.keep(connection, number, text, desk.config.newsletter.language)


def now_said(issue: Published) -> IssueText:
    """What the issue says, with what was mended since."""
    return mended_text(issue.text, issue.changes)


def page(desk: Desk, issue: Published) -> str:
    """The issue's page: its mail as nobody's, with everything that was mended."""
    return webview.page(neutral(desk, issue.send), _beside(desk, issue), issue.changes)


def neutral(desk: Desk, send: int) -> str:
    """The HTML part of a send with nothing of any reader's in it."""
    with desk.database.read() as connection:
        html = archive.html(connection, send)
    newsletter = desk.config.newsletter
    leave = links.leaving_by_mail(parseaddr(newsletter.reply_to or newsletter.sender)[1])
    if newsletter.base_url:
        leave = f"{newsletter.base_url}/subscribe"
    return tokens.fill(html, tokens.values(desk.language.words["greeting"], leave, leave))


def search(desk: Desk, asked: str, issues: list[Published]) -> list[Hit]:
    """Those of the issues that have all of the words, the newest first."""
    with desk.database.read() as connection:
        found = archive.search(connection, desk.name, terms.phrases(asked), desk.clock())
    known = {issue.send: issue for issue in issues}
    return [_hit(known[number], asked) for number in found if number in known]


def address(desk: Desk, issue: date | str) -> str:
    """Where the issue can be read; without base_url only its path."""
    return f"{desk.config.newsletter.base_url or ''}/issues/{issue}"


def told(desk: Desk, correction: Correction) -> tuple[str, str]:
    """A correction as readers are told of it: when, and what."""
    day = desk.language.short_date(correction.at.astimezone(desk.config.zone).date())
    return f"{desk.language.words['correction']} ({day}):", correction.note


def redirected(desk: Desk, issues: list[Published], asked: str) -> str | None:
    """Where a correction lets an address of our own lead; ``asked``: what follows base_url."""
    changes = [change for issue in issues for change in issue.changes]
    for path in (asked, quote(asked, safe="/?&=%+:;,@!$'()*~")):
        where = f"{desk.config.newsletter.base_url}{path}"
        if (to := leading(where, changes)) != where:
            return to
    return None


def _hit(issue: Published, asked: str) -> Hit:
    text = now_said(issue)
    stories = [f"{p.headline}: {p.blurb}" if p.blurb else p.headline for p in text.stories]
    passages = [text.preheader, *stories, *text.note.split("\n")]
    subject = terms.marked(text.subject, asked)
    return Hit(issue, subject, terms.excerpt(passages, asked))


def _beside(desk: Desk, issue: Published) -> webview.Beside:
    newsletter, words, text = desk.config.newsletter, desk.language.words, now_said(issue)
    home = urlsplit(newsletter.base_url or "").path.rstrip("/")
    where = address(desk, issue.issue)
    facts = {
        "og:type": "article",
        "og:site_name": desk.name,
        "og:title": text.subject,
        "og:description": text.preheader,
        "og:url": where if newsletter.base_url else "",
        "og:image": text.picture or "",
        "og:locale": desk.language.territory,
        "article:published_time": issue.at.isoformat(),
        "article:modified_time": issue.changed_at.isoformat() if issue.corrections else "",
        "twitter:card": "summary_large_image" if text.picture else "summary",
        "description": text.preheader,
        "robots": "index, follow, max-image-preview:large",
    }
    alternates = [
        ("alternate", f"{home}/{file}", type_, f"{desk.name} ({kind})")
        for file, type_, kind in FEEDS
    ]
    public = [("canonical", where, "", ""), *alternates] if newsletter.base_url else []
    return webview.Beside(
        title=f"{text.subject} · {desk.name}",
        language=newsletter.language,
        accent=newsletter.accent,
        meta=[(name, content) for name, content in facts.items() if content],
        links=public,
        facts=_for_machines(desk, issue, text),
        bar_name=words["archive_bar"],
        bar=[
            (f"← {words['archive_all']}", f"{home}/"),
            (words["archive_subscribe"], f"{home}/subscribe"),
        ],
        notes_name=words["correction"],
        notes=[told(desk, each) for each in reversed(issue.corrections) if each.note],
    )


def _for_machines(desk: Desk, issue: Published, text: IssueText) -> dict[str, Any]:
    """The issue in the words of schema.org."""
    newsletter = desk.config.newsletter
    publisher = {"@type": "Organization", "name": parseaddr(newsletter.sender)[0] or desk.name}
    home = {"url": f"{newsletter.base_url}/"} if newsletter.base_url else {}
    editor = desk.config.editor.name
    found: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": ["Article", "PublicationIssue"],
        "headline": text.subject,
        "name": desk.language.long_date(date.fromisoformat(issue.issue)),
        "description": text.preheader,
        "datePublished": issue.at.isoformat(),
        "dateModified": issue.changed_at.isoformat(),
        "inLanguage": newsletter.language,
        "isAccessibleForFree": True,
        "isPartOf": {"@type": "Periodical", "name": desk.name, **home},
        "publisher": publisher,
        "author": {"@type": "Person", "name": editor} if editor else publisher,
        "image": text.picture,
        "url": address(desk, issue.issue) if newsletter.base_url else None,
        "mainEntityOfPage": address(desk, issue.issue) if newsletter.base_url else None,
        "hasPart": [
            {"@type": "NewsArticle", "headline": story.headline, "url": story.url}
            for story in text.stories
            if story.url
        ],
        "correction": [
            {"@type": "CorrectionComment", "text": c.note, "datePublished": c.at.isoformat()}
            for c in issue.corrections
            if c.note
        ],
    }
    return {name: value for name, value in found.items() if value not in (None, "", [])}
