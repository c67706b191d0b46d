"""The archive for programs: feeds, sitemap and robots.txt."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import format_datetime, parseaddr
from typing import Any

from markupsafe import Markup, escape

from newsletter.app import Desk
from newsletter.app.archive import past_issues
from newsletter.model import IssueName, IssueText, Published
from newsletter.text.characters import without_invalid_xml
from newsletter.web.public.archive_cache import Snapshot
from newsletter.web.public.page import home_path, template

MAX_ITEMS = 20  # issues in a feed
_MAX_URLS = 49_000  # in the sitemap; 50,000 are allowed
DISALLOWED = ("/approve/", "/confirm/", "/events/", "/preferences/", "/search", "/unsubscribe/")
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # the date of an empty feed


def rss(snapshot: Snapshot) -> str:
    """RSS 2.0, with full content."""
    return _filled("feed.xml.j2", snapshot, _items(snapshot, MAX_ITEMS))


def atom(snapshot: Snapshot) -> str:
    """Atom (RFC 4287), with full content."""
    return _filled("atom.xml.j2", snapshot, _items(snapshot, MAX_ITEMS))


def json_feed(snapshot: Snapshot) -> str:
    """JSON Feed 1.1, with full content."""
    desk = snapshot.desk
    base = desk.config.newsletter.base_url
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": desk.name,
        "home_page_url": f"{base}/",
        "feed_url": f"{base}/feed.json",
        "description": desk.language.say("archive_feed", newsletter=desk.name),
        "language": desk.config.newsletter.language,
        "authors": [{"name": _author(desk)}],
        "items": [_json_item(item) for item in _items(snapshot, MAX_ITEMS)],
    }
    return json.dumps(feed, ensure_ascii=False, indent=1)


def sitemap(snapshot: Snapshot) -> str:
    """The sitemap: the front page and every issue."""
    return _filled("sitemap.xml.j2", snapshot, _items(snapshot, _MAX_URLS))


def robots(desk: Desk) -> str:
    """robots.txt: everything but personal pages and pages that change something."""
    base = desk.config.newsletter.base_url
    return template("robots.txt.j2").render(disallowed=DISALLOWED, home=home_path(desk), base=base)


def _items(snapshot: Snapshot, most: int) -> list[dict[str, Any]]:
    return [_item(snapshot.desk, issue) for issue in snapshot.issues[:most]]


def _item(desk: Desk, issue: Published) -> dict[str, Any]:
    text = past_issues.corrected_text(issue)
    notes = [past_issues.correction_note(desk, c) for c in issue.corrections if c.note]
    return {
        "id": _permanent_id(desk, issue.issue),
        "url": desk.page_url(issue.issue),
        "title": without_invalid_xml(text.subject),
        "summary": without_invalid_xml(text.preheader),
        "content": without_invalid_xml(_content(text, notes)),
        "picture": text.picture,
        "published": issue.at.replace(microsecond=0),
        "updated": issue.changed_at.replace(microsecond=0),
    }


def _json_item(item: dict[str, Any]) -> dict[str, Any]:
    values = {
        "id": item["id"],
        "url": item["url"],
        "title": item["title"],
        "summary": item["summary"],
        "content_html": item["content"],
        "image": item["picture"],
        "date_published": item["published"].isoformat(),
        "date_modified": item["updated"].isoformat(),
    }
    return {name: value for name, value in values.items() if value}


def _content(text: IssueText, notes: Iterable[tuple[str, str]]) -> str:
    """The issue as plain HTML, for feed readers."""
    parts = [Markup("<p><strong>{}</strong> {}</p>").format(label, text) for label, text in notes]
    parts += [
        Markup("<p>{}</p>").format(paragraph)
        for paragraph in filter(None, map(str.strip, text.note.split("\n\n")))
    ]
    for story in text.stories:
        headline = escape(story.headline)
        if story.url:
            headline = Markup('<a href="{}">{}</a>').format(story.url, headline)
        parts.append(Markup("<h3>{}</h3>").format(headline))
        if story.blurb:
            parts.append(Markup("<p>{}</p>").format(story.blurb))
    return "\n".join(parts)


def _filled(name: str, snapshot: Snapshot, items: list[dict[str, Any]]) -> str:
    desk = snapshot.desk
    return template(name).render(
        newsletter=desk.name,
        base=desk.config.newsletter.base_url,
        language=desk.config.newsletter.language,
        say=desk.language.say,
        author=_author(desk),
        id=_permanent_id(desk),
        items=items,
        changed=max((item["updated"] for item in items), default=None),
        began=_EPOCH,
        rfc822=format_datetime,
    )


def _author(desk: Desk) -> str:
    return parseaddr(desk.config.newsletter.sender)[0] or desk.name


def _permanent_id(desk: Desk, issue: IssueName | None = None) -> str:
    """An id that stays when base_url changes."""
    return uuid.uuid5(uuid.NAMESPACE_OID, f"newsletter:{desk.name}:{issue or ''}").urn
