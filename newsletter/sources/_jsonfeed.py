"""JSON Feed 1.0 and 1.1 → entries."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, tzinfo
from html import escape
from typing import Any

from newsletter import sanitize
from newsletter.errors import FetchError
from newsletter.sources import _bylines, _dates, _facts, _pictures
from newsletter.sources._facts import Facts
from newsletter.sources._pictures import Picture

_LONG = 2_000_000  # characters
_MOST_ITEMS = 2000
_LONGEST = 100_000  # characters of an item's text
_ITEMS = re.compile(r'"items"\s*:\s*\[\s*')
_NEXT = re.compile(r"\s*,?\s*")


def entries(
    text: str, name: str, base: str | None, zone: tzinfo
) -> tuple[list[Facts], datetime | None]:
    """The items of the feed ``name``, in its order; raises FetchError for other JSON.

    The format does not say when a feed was made.
    """
    try:
        feed = json.loads(text) if len(text) < _LONG else _beginning(text)
    except (ValueError, RecursionError) as error:
        raise FetchError(f"{name} is not valid JSON: {error}; tell the publisher.") from None
    if not isinstance(feed, dict) or not isinstance(feed.get("items"), list):
        raise FetchError(
            f"{name} is JSON, but no JSON Feed: it has no list of items; look at its address."
        )
    base = sanitize.link(_text(feed, "home_page_url")) or base
    items = [item for item in feed["items"] if isinstance(item, dict)]
    return [_one(item, feed, base, zone) for item in items], None


def _beginning(text: str) -> dict[str, Any]:
    """The first items of a very long feed; its own facts where they stand before them."""
    start = _ITEMS.search(text)
    if start is None:
        raise ValueError("it is too long")
    decoder = json.JSONDecoder()
    feed: dict[str, Any] = {}
    with suppress(ValueError):
        feed = json.loads(f"{text[: start.start()].rstrip().rstrip(',')}}}")
    items: list[Any] = []
    place = start.end()
    with suppress(ValueError):  # the rest is broken off
        while len(items) < _MOST_ITEMS:
            item, place = decoder.raw_decode(text, place)
            items.append(item)
            place = _NEXT.match(text, place).end()  # type: ignore[union-attr]
    return {**feed, "items": items}


def _one(item: Mapping[str, Any], feed: Mapping[str, Any], base: str | None, zone: tzinfo) -> Facts:
    html = (_text(item, "content_html") or escape(_text(item, "content_text")))[:_LONGEST]
    summary = escape(_text(item, "summary")) or html
    named = [Picture(_text(item, "image")), Picture(_text(item, "banner_image"))]
    image, address = _pictures.best([*named, *_pictures.shown_in(html)], base)
    labels = (_text(item, "date_published"), _text(item, "date_modified"))
    dates = ((_dates.parse_date(raw, zone), raw) for raw in labels)
    published, label = next((date for date in dates if date[0]), (None, ""))
    caption = _pictures.captions(html).get(address, "") if image else ""
    caption, credit = _bylines.split_credit(caption)
    return Facts(
        title=_facts.headline(_text(item, "title"), summary, _text(feed, "title")),
        key=_text(item, "id").strip(),
        url=sanitize.link(_text(item, "url") or _text(item, "external_url"), base),
        authors=_authors(item) or _authors(feed),
        published=published,
        says_utc=_dates.says_utc(label),
        image=image,
        caption=caption or None,
        credit=credit or None,
        blurb=sanitize.blurb(summary),
        language=_facts.language(item.get("language") or feed.get("language")),
    )


def _authors(said: Mapping[str, Any]) -> tuple[str, ...]:
    authors = said.get("authors")
    listed = authors if isinstance(authors, list) else [said.get("author")]
    people = [person for person in listed if isinstance(person, dict)]
    return _bylines.parse_authors(_text(person, "name") for person in people)


def _text(said: Mapping[str, Any], key: str) -> str:
    value = said.get(key)
    return str(value) if isinstance(value, str | int | float) else ""
