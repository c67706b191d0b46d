"""The archive for machines: feeds, a map of the site, and what robots may look at."""

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
from newsletter.text.characters import for_xml
from newsletter.web.public.archive_cache import Stand
from newsletter.web.public.page import home, template

MOST = 20  # issues in a feed
_IN_A_MAP = 49_000  # addresses; a map of a site may have 50,000
KEPT_OUT = ("/approve/", "/confirm/", "/events/", "/preferences/", "/search", "/unsubscribe/")
_BEGAN = datetime(2000, 1, 1, tzinfo=UTC)  # of a feed in which nothing is yet


def rss(stand: Stand) -> str:
    """RSS 2.0, with whole contents."""
    return _filled("feed.xml.j2", stand, _items(stand, MOST))


def atom(stand: Stand) -> str:
    """Atom (RFC 4287), with whole contents."""
    return _filled("atom.xml.j2", stand, _items(stand, MOST))


def json_feed(stand: Stand) -> str:
    """JSON Feed 1.1, with whole contents."""
    desk = stand.desk
    base = desk.config.newsletter.base_url
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": desk.name,
        "home_page_url": f"{base}/",
        "feed_url": f"{base}/feed.json",
        "description": desk.language.say("archive_feed", newsletter=desk.name),
        "language": desk.config.newsletter.language,
        "authors": [{"name": _author(desk)}],
        "items": [_json_item(item) for item in _items(stand, MOST)],
    }
    return json.dumps(feed, ensure_ascii=False, indent=1)


def sitemap(stand: Stand) -> str:
    """The front and every issue."""
    return _filled("sitemap.xml.j2", stand, _items(stand, _IN_A_MAP))


def robots(desk: Desk) -> str:
    """All but what is readers' own, and what changes something."""
    base = desk.config.newsletter.base_url
    return template("robots.txt.j2").render(kept_out=KEPT_OUT, home=home(desk), base=base)


def _items(stand: Stand, most: int) -> list[dict[str, Any]]:
    return [_item(stand.desk, issue) for issue in stand.issues[:most]]


def _item(desk: Desk, issue: Published) -> dict[str, Any]:
    text = past_issues.now_said(issue)
    notes = [past_issues.told(desk, each) for each in issue.corrections if each.note]
    return {
        "id": _lasting(desk, issue.issue),
        "url": desk.page_url(issue.issue),
        "title": for_xml(text.subject),
        "summary": for_xml(text.preheader),
        "content": for_xml(_content(text, notes)),
        "picture": text.picture,
        "published": issue.at.replace(microsecond=0),
        "updated": issue.changed_at.replace(microsecond=0),
    }


def _json_item(item: dict[str, Any]) -> dict[str, Any]:
    found = {
        "id": item["id"],
        "url": item["url"],
        "title": item["title"],
        "summary": item["summary"],
        "content_html": item["content"],
        "image": item["picture"],
        "date_published": item["published"].isoformat(),
        "date_modified": item["updated"].isoformat(),
    }
    return {name: value for name, value in found.items() if value}


def _content(text: IssueText, notes: Iterable[tuple[str, str]]) -> str:
    """The issue in plain HTML, for readers of feeds."""
    parts = [Markup("<p><strong>{}</strong> {}</p>").format(when, what) for when, what in notes]
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


def _filled(name: str, stand: Stand, items: list[dict[str, Any]]) -> str:
    desk = stand.desk
    return template(name).render(
        newsletter=desk.name,
        base=desk.config.newsletter.base_url,
        language=desk.config.newsletter.language,
        say=desk.language.say,
        author=_author(desk),
        id=_lasting(desk),
        items=items,
        changed=max((item["updated"] for item in items), default=None),
        began=_BEGAN,
        rfc822=format_datetime,
    )


def _author(desk: Desk) -> str:
    return parseaddr(desk.config.newsletter.sender)[0] or desk.name


def _lasting(desk: Desk, issue: IssueName | None = None) -> str:
    """A name that stays when the newsletter moves to another address."""
    return uuid.uuid5(uuid.NAMESPACE_OID, f"newsletter:{desk.name}:{issue or ''}").urn
