"""Detect the character encoding of a file, and refuse files that are not text."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from newsletter.errors import ContentError, UsageError

ERRORS = "surrogateescape"  # invalid bytes become characters that no name may have
_BLOCK_SIZE = 1 << 20
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NOT_TEXT = (
    (b"PK\x03\x04", "is a workbook (such as .xlsx, .ods, .numbers) or a .zip"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel workbook (.xls)"),
    (b"%PDF", "is a PDF"),
    (b"\x1f\x8b", "is compressed (.gz)"),
)
_HANGUL = re.compile(rb"[\xb0-\xc8][\xa1-\xfe]")  # common syllables in cp949
_INVALID = re.compile("[\udc80-\udcff]")
_NON_ASCII = re.compile("[^\x00-\x7f\udc80-\udcff]")


def detect(file: BinaryIO, path: Path) -> str:
    """The encoding of an open file, by its first bytes or by what can decode it.

    Raises ContentError when it is not text.
    """
    start = _start(file)
    for mark, encoding in _BYTE_ORDER_MARKS:
        if start.startswith(mark):
            return encoding if mark == codecs.BOM_UTF8 else _require_complete(file, encoding, path)
    for signature, reason in _NOT_TEXT:
        if start.startswith(signature):
            raise ContentError(f"{path} {reason}, not a CSV file. {_remedy(start)}")
    if b"\0" in start:
        return _require_complete(file, _detect_utf16(start, path), path)
    if _can_decode(file, "utf-8") or _is_damaged_utf8(file):
        return "utf-8"
    if _can_decode(file, "cp949") and _is_korean(file):
        return "cp949"
    return "cp1252" if _can_decode(file, "cp1252") else "latin-1"


def require(file: BinaryIO, encoding: str, path: Path) -> None:
    """Raise UsageError for an unknown encoding, and ContentError if it cannot decode the file."""
    try:
        matches = _can_decode(file, encoding)
    except LookupError as error:
        raise UsageError(
            f"There is no encoding {encoding!r}. Write one such as utf-8, cp949, cp1252, shift_jis "
            f"or gb18030, or leave out --encoding to detect it."
        ) from error
    if not matches:
        raise ContentError(
            f"{path} is not in {encoding}: some of its bytes are invalid there. "
            f"Leave --encoding out, or name another one."
        )


def _remedy(start: bytes) -> str:
    if start.startswith(b"PK") and b".csv" in start:
        return "Unpack it, and import each file in it."
    return "Open it, save it as CSV (UTF-8), and import that."


def _require_complete(file: BinaryIO, encoding: str, path: Path) -> str:
    """The encoding, if it can decode the whole file. Raises ContentError otherwise.

    Damage to an encoding with several bytes for each letter cannot be confined to one letter.
    """
    if not _can_decode(file, encoding):
        raise ContentError(
            f"{path} begins as {encoding.upper()}, but is damaged or incomplete. Export it again."
        )
    return encoding


def _detect_utf16(start: bytes, path: Path) -> str:
    """UTF-16 without a byte order mark: every other byte of Western text is zero."""
    for offset, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        half = start[offset::2]
        if half.count(0) * 2 > len(half) and start[1 - offset :: 2].count(0) == 0:
            return encoding
    raise ContentError(f"{path} is not a text file. {_remedy(start)}")


def _start(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(8192)


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    while block := file.read(_BLOCK_SIZE):
        yield block


def _can_decode(file: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for block in _blocks(file):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def _is_damaged_utf8(file: BinaryIO) -> bool:
    """Whether the file is UTF-8 with some damage, rather than in another encoding."""
    decoder = codecs.getincrementaldecoder("utf-8")(ERRORS)
    valid = invalid = 0
    for block in _blocks(file):
        text = decoder.decode(block)
        if not text.isascii():
            valid += len(_NON_ASCII.findall(text))
            invalid += len(_INVALID.findall(text))
    return valid > invalid


def _is_korean(file: BinaryIO) -> bool:
    """Whether most bytes beyond ASCII are common syllables; "Åsa" could be a rare one."""
    syllables = non_ascii = 0
    for block in _blocks(file):
        if not block.isascii():
            syllables += 2 * len(_HANGUL.findall(block))
            non_ascii += sum(byte > 0x7F for byte in block)
    return syllables * 2 > non_ascii
