"""The web page of a sent issue: its mail without personal parts, and what the page adds."""

from __future__ import annotations

from email.utils import parseaddr
from typing import Any
from urllib.parse import urlsplit

from newsletter.app.archive import past_issues
from newsletter.app.desk import Desk
from newsletter.links import signed_links, tokens
from newsletter.model import IssueText, Published
from newsletter.render import webview
from newsletter.store import archive as texts


def page(desk: Desk, issue: Published) -> str:
    """The issue's page, with all corrections."""
    return webview.render_page(neutral(desk, issue.send), _page_parts(desk, issue), issue.changes)


def neutral(desk: Desk, send: int) -> str:
    """The HTML part of a send with neutral personal parts."""
    html = desk.read(texts.sent_html, send)
    newsletter = desk.config.newsletter
    leave_url = signed_links.unsubscribe_mailto(
        parseaddr(newsletter.reply_to or newsletter.sender)[1]
    )
    if newsletter.base_url:
        leave_url = f"{newsletter.base_url}/subscribe"
    return tokens.fill(html, tokens.values(desk.language.words["greeting"], leave_url, leave_url))


def _page_parts(desk: Desk, issue: Published) -> webview.PageFrame:
    newsletter, texts, text = (
        desk.config.newsletter,
        desk.language.words,
        past_issues.corrected_text(issue),
    )
    home = urlsplit(newsletter.base_url or "").path.rstrip("/")
    url = desk.page_url(issue.issue)
    alternates = [
        ("alternate", f"{home}/{file}", type_, f"{desk.name} ({kind})")
        for file, type_, kind in past_issues.FEEDS
    ]
    head_links = [("canonical", url, "", ""), *alternates] if newsletter.base_url else []
    return webview.PageFrame(
        title=f"{text.subject} · {desk.name}",
        language=newsletter.language,
        accent=newsletter.accent,
        meta=_meta_tags(desk, issue, text),
        links=head_links,
        facts=_structured_data(desk, issue, text),
        bar_name=texts["archive_bar"],
        bar=[
            (f"← {texts['archive_all']}", f"{home}/"),
            (texts["archive_subscribe"], f"{home}/subscribe"),
        ],
        notes_name=texts["correction"],
        notes=[
            past_issues.correction_note(desk, correction)
            for correction in reversed(issue.corrections)
            if correction.note
        ],
    )


def _meta_tags(desk: Desk, issue: Published, text: IssueText) -> list[tuple[str, str]]:
    """Meta tags for search engines and social networks (Open Graph)."""
    tags = {
        "og:type": "article",
        "og:site_name": desk.name,
        "og:title": text.subject,
        "og:description": text.preheader,
        "og:url": desk.page_url(issue.issue) if desk.config.newsletter.base_url else "",
        "og:image": text.picture or "",
        "og:locale": desk.language.territory,
        "article:published_time": issue.at.isoformat(),
        "article:modified_time": issue.changed_at.isoformat()
        if issue.changed_at > issue.at
        else "",
        "twitter:card": "summary_large_image" if text.picture else "summary",
        "description": text.preheader,
        "robots": "index, follow, max-image-preview:large",
    }
    return [(name, content) for name, content in tags.items() if content]


def _structured_data(desk: Desk, issue: Published, text: IssueText) -> dict[str, Any]:
    """The issue as structured data (schema.org, JSON-LD)."""
    newsletter = desk.config.newsletter
    publisher = {"@type": "Organization", "name": parseaddr(newsletter.sender)[0] or desk.name}
    home = {"url": f"{newsletter.base_url}/"} if newsletter.base_url else {}
    editor = desk.config.editor.name
    document: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": ["Article", "PublicationIssue"],
        "headline": text.subject,
        "name": desk.language.long_date(issue.issue.date),
        "description": text.preheader,
        "datePublished": issue.at.isoformat(),
        "dateModified": issue.changed_at.isoformat(),
        "inLanguage": newsletter.language,
        "isAccessibleForFree": True,
        "isPartOf": {"@type": "Periodical", "name": desk.name, **home},
        "publisher": publisher,
        "author": {"@type": "Person", "name": editor} if editor else publisher,
        "image": text.picture,
        "url": desk.page_url(issue.issue) if newsletter.base_url else None,
        "mainEntityOfPage": desk.page_url(issue.issue) if newsletter.base_url else None,
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
    return {name: value for name, value in document.items() if value not in (None, "", [])}
