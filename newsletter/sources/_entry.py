"""One entry of an RSS or Atom feed, as feedparser has it → the parts of an article."""

from __future__ import annotations

import re
from calendar import timegm
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from email.utils import parsedate_to_datetime
from typing import Any

from newsletter import foreign

_AND = re.compile(r"\s*(?:,|;|&|\band\b)\s*")
_PIXEL = 2  # a picture no wider than this is there to count readers
_CREDITED = re.compile(r"^(?P<caption>.*?)\s*[\[(](?P<credit>[^\[\]()]{2,60})[\])]\s*$", re.DOTALL)


def content(entry: Mapping[str, Any]) -> str:
    """The longest HTML the entry has, for pictures."""
    bodies = [str(part.get("value", "")) for part in entry.get("content", ())]
    return max([*bodies, str(entry.get("summary", ""))], key=len)


def summary(entry: Mapping[str, Any]) -> str:
    """What the blurb is made of: the summary, else the content."""
    return str(entry.get("summary") or content(entry))


def published(raw: str | None, parsed: Any, zone: tzinfo) -> datetime | None:
    """The moment the entry was published; None where it says nothing that can be read."""
    if raw:
        for read in (datetime.fromisoformat, parsedate_to_datetime):
            try:
                moment = read(raw.strip())
            except (ValueError, TypeError, IndexError):
                continue
            return _in_utc(moment if moment.tzinfo else moment.replace(tzinfo=zone))
    if parsed:
        try:
            return datetime.fromtimestamp(timegm(parsed), UTC)
        except (ValueError, TypeError, OverflowError, OSError):
            return None
    return None


def authors(names: list[str]) -> tuple[str, ...]:
    """Names as they stand in a byline: no addresses, no "By", one for each person."""
    found: list[str] = []
    for name in names:
        bare = re.sub(r"^\s*by\s+", "", foreign.plain(name), flags=re.IGNORECASE)
        bare = re.sub(r"\S+@\S+\s*\(([^)]*)\)", r"\1", bare)  # RSS: address (name)
        for part in _AND.split(bare):
            clean = part.strip(" <>()")
            if clean and "@" not in clean and "://" not in clean and clean not in found:
                found.append(clean[:100])
    return tuple(found)


def picture(entry: Mapping[str, Any], base: str | None) -> tuple[str | None, str, str]:
    """The best picture with its caption and credit: the widest, else the first one shown."""
    for media in sorted(_media(entry), key=_width, reverse=True):
        if (url := foreign.picture(str(media.get("url") or media.get("href") or ""), base)) and (
            _width(media) > _PIXEL or not _width(media)
        ):
            return url, *_words(entry, media)
    return first_picture(content(entry), base), *_words(entry, {})


def first_picture(html: str, base: str | None) -> str | None:
    """The first picture of a piece of HTML that is meant to be seen."""
    if "<img" not in html.lower():
        return None
    import lxml.html

    for image in lxml.html.fromstring(f"<div>{html}</div>").iter("img"):
        sizes = [re.match(r"\d+", image.get(side) or "") for side in ("width", "height")]
        if any(size and int(size.group()) <= _PIXEL for size in sizes):
            continue
        if url := foreign.picture(image.get("src") or image.get("data-src") or "", base):
            return url
    return None


def credited(text: str) -> tuple[str, str]:
    """A caption and the credit in brackets at its end."""
    match = _CREDITED.match(text)
    return (match["caption"].strip(), match["credit"].strip()) if match else (text, "")


def _media(entry: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for media in entry.get("media_content", ()):
        kind = f"{media.get('medium', '')} {media.get('type', '')}"
        if "image" in kind or re.search(r"\.(jpe?g|png|gif)\b", str(media.get("url", "")).lower()):
            yield media
    yield from entry.get("media_thumbnail", ())
    for link in entry.get("links", ()):
        if link.get("rel") == "enclosure" and str(link.get("type", "")).startswith("image/"):
            yield link
    if image := entry.get("image"):
        yield image


def _width(media: Mapping[str, Any]) -> int:
    found = re.match(r"\d+", str(media.get("width", "")))
    return int(found.group()) if found else 0


def _words(entry: Mapping[str, Any], media: Mapping[str, Any]) -> tuple[str, str]:
    credits_ = entry.get("media_credit") or ()
    credit = next((str(each.get("content", "")) for each in credits_), "")
    caption = str(entry.get("media_description") or media.get("title") or "")
    text, bracketed = credited(foreign.plain(caption))
    return foreign.one_line(text), foreign.one_line(credit or bracketed, 100)


def _in_utc(moment: datetime) -> datetime | None:
    try:
        return moment.astimezone(UTC)
    except (OverflowError, ValueError):
        return None
