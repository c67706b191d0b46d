"""Of what is far too long, the part that a week's issue can need: parsers are greedy for memory."""

from __future__ import annotations

MOST = 4 * 1024 * 1024  # bytes; a feed of a thousand articles with all their words is shorter
ENTRIES = 2000
PAGE = 3 * 1024 * 1024

_CLOSING = (b"</item>", b"</entry>")
_OPENING = (b"<item", b"<entry")


def feed(data: bytes) -> bytes:
    """A feed's first and last entries, whichever of them are the newest."""
    for opening, closing in zip(_OPENING, _CLOSING, strict=True):
        if data.count(closing) > ENTRIES:
            data = _ends(data, opening, closing)
    if len(data) <= MOST:
        return data
    head, tail = data[: MOST // 2], data[-MOST // 2 :]
    ends = [place + len(tag) for tag in _CLOSING if (place := head.rfind(tag)) >= 0]
    starts = [place for tag in _OPENING if (place := tail.find(tag)) >= 0]
    if not ends or not starts:
        return cut(data, MOST)
    return head[: max(ends)] + tail[min(starts) :]


def _ends(data: bytes, opening: bytes, closing: bytes) -> bytes:
    """The first and the last half of the entries that are read."""
    end, start = 0, len(data)
    for _ in range(ENTRIES // 2):
        end = data.find(closing, end) + len(closing)
        start = data.rfind(opening, 0, start)
    return data[:end] + data[start:] if start > end else data


def sitemap(data: bytes) -> bytes:
    """A sitemap's first addresses, more than a site for news may list."""
    if len(data) <= MOST:
        return data
    ends = [place + len(tag) for tag in (b"</url>", b"</sitemap>") if (place := _last(data, tag))]
    return data[: max(ends, default=MOST)] + b"</urlset>"


def cut(data: bytes, most: int) -> bytes:
    """The beginning, up to the end of a tag: never in the middle of a letter."""
    return data if len(data) <= most else data[: data.rfind(b">", 0, most) + 1 or most]


def _last(data: bytes, tag: bytes) -> int:
    return max(0, data.rfind(tag, 0, MOST))
