"""A part of a mail, encoded once for a send. Each reader's values are inserted in encoded form.

When decoded, it equals ``tokens.fill(text, values)``, byte for byte. Encoding 60 KB again for every
reader would take longer than handing the mail over.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from functools import partial

from newsletter.links.tokens import pieces

_LINE = 76  # most characters in a line of either encoding

Fill = Callable[[list[bytes]], bytes]


class Part:
    """One text of a send, in the shorter of the two encodings, with CRLF line ends."""

    def __init__(self, subtype: str, text: str) -> None:
        texts_and_tokens = pieces(text)
        texts = [piece.encode() for piece in texts_and_tokens[::2]]
        self._subtype = subtype
        self._tokens = texts_and_tokens[1::2]
        self._ascii = text.isascii()
        quoted, encoded = [_quoted(piece) for piece in texts], [_aligned(piece) for piece in texts]
        self._name, self._fill = "quoted-printable", partial(_fill_quoted, quoted)
        if sum(len(aligned[0].body) for aligned in encoded) < sum(map(len, quoted)):
            self._name, self._fill = "base64", partial(_fill_base64, encoded)

    def filled(self, values: Mapping[str, str]) -> bytes:
        """The part's headers and body for one reader. A token without a value is kept."""
        inserted = [values.get(token, token) for token in self._tokens]
        ascii_ = self._ascii and all(map(str.isascii, inserted))
        head = (
            f"Content-Type: text/{self._subtype}; charset={'us-ascii' if ascii_ else 'utf-8'}\r\n"
            f"Content-Transfer-Encoding: {self._name}\r\n\r\n"
        )
        return head.encode() + self._fill([value.encode() for value in inserted])


def _fill_quoted(texts: list[bytes], values: list[bytes]) -> bytes:
    """Put each piece on lines of its own, joined by soft line breaks, which decoding removes."""
    filled = [texts[0]]
    for value, piece in zip(values, texts[1:], strict=True):
        filled += (_quoted(value), piece)
    return b"=\r\n".join(filter(None, filled))


def _quoted(data: bytes) -> bytes:
    """The data in quoted-printable, with room for a soft line break after it.

    Line ends are encoded too, so that no mail server can change them.
    """
    quoted = binascii.b2a_qp(data, istext=False).replace(b"\r\n", b"\n")
    if len(quoted) - quoted.rfind(b"\n") - 1 >= _LINE:
        last = 3 if quoted[-3:-2] == b"=" else 1
        quoted = quoted[:-last] + b"=\n" + quoted[-last:]
    return quoted.replace(b"\n", b"\r\n")


class _Aligned:
    """A text in base64, which encodes groups of 3 bytes, after ``offset`` bytes of a group."""

    def __init__(self, data: bytes, offset: int) -> None:
        start = -offset % 3
        end = max(start, len(data) - (len(data) - start) % 3)
        self.ahead = data[:start]  # bytes that complete the group before
        self.body = _base64(data[start:end])  # whole groups, encoded
        self.rest = data[end:]  # bytes of a group that the next piece completes


def _aligned(data: bytes) -> tuple[_Aligned, ...]:
    return tuple(_Aligned(data, offset) for offset in range(3))


def _fill_base64(texts: list[tuple[_Aligned, ...]], values: list[bytes]) -> bytes:
    filled: list[bytes] = []
    left = b""
    for aligned, value in zip(texts, [*values, b""], strict=True):
        piece = aligned[len(left) % 3]
        left += piece.ahead
        if len(left) % 3 == 0:
            filled += (_base64(left), piece.body)
            left = piece.rest
        left += value
    return b"".join(filled) + _base64(left)


def _base64(data: bytes) -> bytes:
    return base64.encodebytes(data).replace(b"\n", b"\r\n")
