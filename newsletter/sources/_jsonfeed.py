"""JSON Feed 1.0 and 1.1 → entries."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, tzinfo
from html import escape
from typing import Any

from newsletter import foreign
from newsletter.errors import FetchError
from newsletter.sources import _bylines, _dates, _entry
from newsletter.sources._entry import Entry, Picture


def entries(
    text: str, name: str, base: str | None, zone: tzinfo
) -> tuple[list[Entry], datetime | None]:
    """The items of the feed ``name``, in its order; raises FetchError for other JSON.

    The format does not say when a feed was made.
    """
    try:
        feed = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FetchError(f"{name} is not valid JSON: {error}; tell the publisher.") from None
    if not isinstance(feed, dict) or not isinstance(feed.get("items"), list):
        raise FetchError(
            f"{name} is JSON, but no JSON Feed: it has no list of items; look at its address."
        )
    base = foreign.link(_text(feed, "home_page_url")) or base
    items = [item for item in feed["items"] if isinstance(item, dict)]
    return [_one(item, feed, base, zone) for item in items], None


def _one(item: Mapping[str, Any], feed: Mapping[str, Any], base: str | None, zone: tzinfo) -> Entry:
    html = _text(item, "content_html") or escape(_text(item, "content_text"))
    summary = escape(_text(item, "summary")) or html
    named = [Picture(_text(item, "image")), Picture(_text(item, "banner_image"))]
    image, _ = _entry.best([*named, *_entry.shown_in(html)], base)
    said = (_text(item, "date_published"), _text(item, "date_modified"))
    dates = ((_dates.moment(raw, zone), raw) for raw in said)
    published, label = next((found for found in dates if found[0]), (None, ""))
    return Entry(
        title=_entry.headline(_text(item, "title"), summary, _text(feed, "title")),
        key=_text(item, "id").strip(),
        link=foreign.link(_text(item, "url") or _text(item, "external_url"), base),
        authors=_authors(item) or _authors(feed),
        published=published,
        says_utc=_dates.says_utc(label),
        image=image,
        blurb=foreign.blurb(summary),
        language=_entry.language(item.get("language") or feed.get("language")),
    )


def _authors(said: Mapping[str, Any]) -> tuple[str, ...]:
    people = said.get("authors")
    listed = people if isinstance(people, list) else [said.get("author")]
    return _bylines.names(_text(person, "name") for person in listed if isinstance(person, dict))


def _text(said: Mapping[str, Any], key: str) -> str:
    value = said.get(key)
    return str(value) if isinstance(value, str | int | float) else ""
