"""The pictures that feeds and pages name: which of them can be shown, and their captions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
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
class Picture:
    """A picture that an entry names."""

    address: str
    width: int = 0  # in pixels; 0 where it is not said
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
        smaller = min((side for side in sides if side), default=0)
        for name in _SOURCES:
            yield Picture(image.get(name) or "", smaller)


def _tree(html: str) -> HtmlElement:
    import lxml.html

    parser = lxml.html.HTMLParser(encoding="utf-8")
    source = html.encode("utf-8", "replace").replace(b"\0", b"")
    return lxml.html.fromstring(b"<html><body>" + source, parser=parser)


def captions(html: str) -> dict[str, str]:
    """The captions under the pictures in a piece of HTML, by the pictures' addresses there."""
    if "<figcaption" not in html.lower():
        return {}
    texts: dict[str, str] = {}
    for figure in _tree(html).iter("figure"):
        text = " ".join(caption.text_content() for caption in figure.iter("figcaption"))
        for image in figure.iter("img"):
            texts |= {image.get(name): text for name in _SOURCES if image.get(name)}
    return texts


def size(value: Any) -> int:
    """A number of pixels as HTML and feeds write it; 0 for none."""
    match = _SIZE.match(str(value or ""))
    return int(match[1]) if match else 0
