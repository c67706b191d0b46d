"""One entry of a feed of any format, and what all formats share: its pictures and its text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from newsletter import sanitize

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_ICON = 40  # pixels; pictures declared smaller count readers, or are buttons
_NO_PICTURE = re.compile(
    r"//[^/]*(?:feedburner|feedsportal|doubleclick|pixel|analytics|gravatar)[^/]*/|"
    r"/(?:smilies|emoji|emoticons|pixel|spacer|blank)\b|/1x1|spacer\.gif|_wp_pixel",
    re.IGNORECASE,
)
_OTHER_MEDIA = re.compile(
    r"\.(?:mp[34]|m4[av]|webm|ogg|mov|wav|m3u8|aac|pdf)(?:$|\?)", re.IGNORECASE
)
_SOURCES = ("src", "data-src", "data-lazy-src", "data-original")
_SIZE = re.compile(r"\s*(\d{1,6})")


@dataclass(frozen=True)
class Entry:
    """What a feed says about one article. ``key``: its own name in the feed, where it has one."""

    title: str
    key: str = ""
    link: str | None = None
    authors: tuple[str, ...] = ()
    published: datetime | None = None
    says_utc: bool = False  # its date is labelled as UTC
    image: str | None = None
    caption: str | None = None
    credit: str | None = None
    blurb: str = ""
    language: str | None = None


@dataclass(frozen=True)
class Picture:
    """A picture that an entry names; ``width`` in pixels, 0 where it is not said."""

    address: str
    width: int = 0
    kind: str = ""  # of media, such as "image/jpeg"

    def usable(self, base: str | None) -> str | None:
        """Its https address, if it is a picture that readers are meant to see."""
        if self.kind and not self.kind.lower().startswith("image"):
            return None
        if 0 < self.width < _ICON or _NO_PICTURE.search(self.address):
            return None
        if not self.kind and _OTHER_MEDIA.search(self.address):
            return None
        return sanitize.picture(self.address, base)


def best(pictures: Iterable[Picture], base: str | None) -> tuple[str | None, str]:
    """The first picture that can be shown, and its address as the feed has it."""
    for picture in pictures:
        if usable := picture.usable(base):
            return usable, picture.address
    return None, ""


def shown_in(html: str) -> Iterator[Picture]:
    """The pictures in a piece of HTML, in their order."""
    if "<img" not in html.lower():
        return
    for image in _tree(html).iter("img"):
        sides = [size(image.get(side)) for side in ("width", "height")]
        said = [side for side in sides if side]
        for name in _SOURCES:
            yield Picture(image.get(name) or "", min(said, default=0))


def _tree(html: str) -> HtmlElement:
    import lxml.html

    parser = lxml.html.HTMLParser(encoding="utf-8")
    source = html.encode("utf-8", "replace").replace(b"\0", b"")
    return lxml.html.fromstring(b"<html><body>" + source, parser=parser)


def captions(html: str) -> dict[str, str]:
    """The captions under the pictures in a piece of HTML, by the pictures' addresses there."""
    if "<figcaption" not in html.lower():
        return {}
    found: dict[str, str] = {}
    for figure in _tree(html).iter("figure"):
        words = " ".join(caption.text_content() for caption in figure.iter("figcaption"))
        for image in figure.iter("img"):
            found |= {image.get(name): words for name in _SOURCES if image.get(name)}
    return found


def size(value: Any) -> int:
    """A number of pixels as HTML and feeds write it; 0 for none."""
    match = _SIZE.match(str(value or ""))
    return int(match[1]) if match else 0


def language(value: Any) -> str | None:
    """A language as in BCP 47 ("en_US" becomes "en-US"); None for anything else."""
    parts = str(value or "").strip().replace("_", "-").split("-")
    if not re.fullmatch(r"[A-Za-z]{2,3}", parts[0]):
        return None
    rest = [part.upper() if len(part) == 2 else part for part in parts[1:]]
    whole = "-".join([parts[0].lower(), *rest])
    return whole if re.fullmatch(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}", whole) else None


def headline(title: str, text: str, site: str) -> str:
    """The entry's headline; for one without, as in short notes, its first words."""
    return sanitize.headline(title, site) or sanitize.blurb(text, 100)
