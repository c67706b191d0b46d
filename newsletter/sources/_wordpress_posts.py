"""What WordPress's REST API answers → entries; every part may be missing, refused or odd."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

from newsletter import sanitize
from newsletter.errors import FetchError
from newsletter.sources import _bylines, _dates, _encoding, _facts, _pictures
from newsletter.sources._facts import Facts
from newsletter.sources._pictures import Picture

# Plugins that give a post other authors than the account that typed it in.
_BYLINES = ("coauthors", "authors", "ppma_author", "guest_authors")
_NAMES = ("display_name", "name")
MOST = 8_000_000  # bytes of one answer; a hundred long posts are shorter
_LONGEST = 100_000  # characters of a post, of which a few sentences are shown
_OPENING = re.compile(r"[\[{]")


def objects(body: bytes, site: str) -> list[Mapping[str, Any]]:
    """The list of objects in an answer; raises FetchError for everything else.

    Some sites print PHP's warnings before the answer.
    """
    if len(body) > MOST:
        raise FetchError(
            f"{site} answers its REST API with more than {MOST:,} bytes; use its feed."
        )
    text = _encoding.decoded(body)
    decoder = json.JSONDecoder(strict=False)
    for match in list(_OPENING.finditer(text, 0, 20_000))[:50]:
        try:
            value, _ = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            continue
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            return value
        if match.start() == 0:
            break
    raise FetchError(
        f"{site} answers its REST API with something else than a list of posts; see whether the "
        f'site is in maintenance, or use its feed: type = "feed", url = "{site}/feed/".'
    )


def unseen_picture(post: Mapping[str, Any]) -> int | None:
    """The number of a featured picture of which the answer says nothing else."""
    number = post.get("featured_media")
    if not isinstance(number, int) or isinstance(number, bool) or number <= 0:
        return None
    named = "_embedded" in post or _text(post, "jetpack_featured_media_url") or _shared(post)
    return None if named else number


def entry(
    post: Mapping[str, Any], pictures: Mapping[int, Mapping[str, Any]], site: str, zone: tzinfo
) -> Facts:
    """One post. ``pictures``: featured media by number, where they were asked for apart."""
    link = sanitize.link(_text(post, "link") or _text(post, "guid", "rendered"), f"{site}/")
    yoast = _mapping(post.get("yoast_head_json"))
    content = _text(post, "content", "rendered")[:_LONGEST]
    excerpt = _text(post, "excerpt", "rendered")[:_LONGEST]
    hidden = _mapping(post.get("content")).get("protected") is True
    media = next(_featured(post, pictures), {})
    named = [
        Picture(_text(media, "source_url"), 0, _text(media, "mime_type")),
        Picture(_text(post, "jetpack_featured_media_url")),
        *(Picture(_text(picture, "url")) for picture in _list(yoast.get("og_image"))),
        *_pictures.shown_in(content),
    ]
    image, address = _pictures.best(named, link)
    texts = _words(media) if address and address == _text(media, "source_url") else ("", "")
    if image and texts == ("", ""):
        texts = _bylines.split_credit(_pictures.captions(content).get(address, ""))
    title = _facts.headline(_text(post, "title", "rendered"), excerpt, _text(yoast, "og_site_name"))
    blurb = "" if hidden else sanitize.blurb(excerpt)
    return Facts(
        title=title,
        key=str(post["id"]) if isinstance(post.get("id"), int) else "",
        url=link,
        authors=_authors(post, yoast),
        published=_published(post, zone),
        image=image,
        caption=texts[0] or None,
        credit=texts[1] or None,
        blurb=sanitize.blurb(content) if not hidden and blurb in ("", title) else blurb,
        language=_facts.language(post.get("lang") or yoast.get("og_locale")),
    )


def _published(post: Mapping[str, Any], zone: tzinfo) -> datetime | None:
    gmt = _text(post, "date_gmt")
    when = _dates.parse_date(gmt, UTC) if gmt and not gmt.startswith("0000") else None
    return when or _dates.parse_date(_text(post, "date"), zone)


def _authors(post: Mapping[str, Any], yoast: Mapping[str, Any]) -> tuple[str, ...]:
    embedded = _list(_mapping(post.get("_embedded")).get("author"))
    ways: list[Iterable[str]] = [
        (_first(person, _NAMES) for key in _BYLINES for person in _list(post.get(key))),
        # A refused author is an error's object: it has a code, and no name.
        (_first(person, _NAMES) for person in embedded if "code" not in person),
        [_text(yoast, "author") or _text(yoast, "twitter_misc", "Written by")],
        [_text(post, "author_name"), _text(post, "author_info", "display_name")],
        [_text(post, "author_info", "name")],
    ]
    return next((authors for names in ways if (authors := _bylines.parse_authors(names))), ())


def _featured(
    post: Mapping[str, Any], pictures: Mapping[int, Mapping[str, Any]]
) -> Iterator[Mapping[str, Any]]:
    for media in _list(_mapping(post.get("_embedded")).get("wp:featuredmedia")):
        if _text(media, "source_url"):
            yield media
    number = post.get("featured_media")
    if isinstance(number, int) and number in pictures:
        yield pictures[number]


def _words(media: Mapping[str, Any]) -> tuple[str, str]:
    """Caption and credit of a picture."""
    caption = sanitize.one_line(sanitize.plain(_text(media, "caption", "rendered")), 1000)
    bare, credit = _bylines.split_credit(caption)
    meta = _mapping(_mapping(media.get("media_details")).get("image_meta"))
    credit = credit or sanitize.one_line(sanitize.plain(_text(meta, "credit")), _bylines.LONGEST)
    return bare, credit


def _shared(post: Mapping[str, Any]) -> bool:
    return bool(_list(_mapping(post.get("yoast_head_json")).get("og_image")))


def _text(said: Mapping[str, Any], *path: str) -> str:
    value: Any = said
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _first(said: Mapping[str, Any], keys: Iterable[str]) -> str:
    return next((text for key in keys if (text := _text(said, key))), "")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
