"""A part of a mail, encoded once for a send and filled for each reader in that form.

Decoded, it is ``tokens.fill(text, values)``, byte for byte. Encoding 60 KB anew for every reader
would take longer than handing the mail over.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from functools import partial

from newsletter.links.tokens import pieces

_LINE = 76  # characters, at most, in a line of either encoding

Fill = Callable[[list[bytes]], bytes]


class Part:
    """One text of a send, in the shorter of the two encodings, with CRLF line ends."""

    def __init__(self, subtype: str, text: str) -> None:
        cut = pieces(text)
        texts = [piece.encode() for piece in cut[::2]]
        self._subtype = subtype
        self._tokens = cut[1::2]
        self._ascii = text.isascii()
        quoted, encoded = [_quoted(piece) for piece in texts], [_aligned(piece) for piece in texts]
        self._name, self._fill = "quoted-printable", partial(_fill_quoted, quoted)
        if sum(len(by_phase[0].body) for by_phase in encoded) < sum(map(len, quoted)):
            self._name, self._fill = "base64", partial(_fill_base64, encoded)

    def filled(self, values: Mapping[str, str]) -> bytes:
        """Head and body for one reader; what has no value stays as it is."""
        filling = [values.get(token, token) for token in self._tokens]
        ascii_ = self._ascii and all(map(str.isascii, filling))
        head = (
            f"Content-Type: text/{self._subtype}; charset={'us-ascii' if ascii_ else 'utf-8'}\r\n"
            f"Content-Transfer-Encoding: {self._name}\r\n\r\n"
        )
        return head.encode() + self._fill([value.encode() for value in filling])


def _fill_quoted(texts: list[bytes], values: list[bytes]) -> bytes:
    """Each piece on lines of its own; the breaks between them are soft, and vanish."""
    filled = [texts[0]]
    for value, piece in zip(values, texts[1:], strict=True):
        filled += (_quoted(value), piece)
    return b"=\r\n".join(filter(None, filled))


def _quoted(data: bytes) -> bytes:
    """Quoted-printable, with room for a soft break behind it.

    Line ends are encoded as well, so that nobody on the way can turn them into others.
    """
    quoted = binascii.b2a_qp(data, istext=False).replace(b"\r\n", b"\n")
    if len(quoted) - quoted.rfind(b"\n") - 1 >= _LINE:
        last = 3 if quoted[-3:-2] == b"=" else 1
        quoted = quoted[:-last] + b"=\n" + quoted[-last:]
    return quoted.replace(b"\n", b"\r\n")


class _Aligned:
    """Base64 of some words behind 0, 1 or 2 bytes that are still to be encoded with them.

    ``ahead`` are the bytes that join those, ``body`` is encoded, ``rest`` is left over.
    """

    def __init__(self, data: bytes, behind: int) -> None:
        start = -behind % 3
        end = max(start, len(data) - (len(data) - start) % 3)
        self.ahead, self.rest = data[:start], data[end:]
        self.body = _base64(data[start:end])


def _aligned(data: bytes) -> tuple[_Aligned, ...]:
    return tuple(_Aligned(data, behind) for behind in range(3))


def _fill_base64(texts: list[tuple[_Aligned, ...]], values: list[bytes]) -> bytes:
    filled: list[bytes] = []
    left = b""
    for by_phase, value in zip(texts, [*values, b""], strict=True):
        piece = by_phase[len(left) % 3]
        left += piece.ahead
        if len(left) % 3 == 0:
            filled += (_base64(left), piece.body)
            left = piece.rest
        left += value
    return b"".join(filled) + _base64(left)


def _base64(data: bytes) -> bytes:
    return base64.encodebytes(data).replace(b"\n", b"\r\n")
