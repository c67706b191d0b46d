"""Which letters the bytes of a file stand for; and files that are no text at all."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from newsletter.errors import ContentError, UsageError

BROKEN = "surrogateescape"  # bytes that are no letters come out as letters that no name has
_BLOCK = 1 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NO_TEXT = (
    (b"PK\x03\x04", "is a workbook (such as .xlsx, .ods, .numbers) or a .zip"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel workbook (.xls)"),
    (b"%PDF", "is a PDF"),
    (b"\x1f\x8b", "is packed (.gz)"),
)
_HANGUL = re.compile(rb"[\xb0-\xc8][\xa1-\xfe]")  # in cp949; beyond these it has rare syllables
_ESCAPED = re.compile("[\udc80-\udcff]")
_BEYOND = re.compile("[^\x00-\x7f\udc80-\udcff]")


def encoding_of(file: BinaryIO, path: Path) -> str:
    """The encoding of an open file, by its first bytes or by what it can be read as.

    Raises ContentError for what is not text.
    """
    start = _start(file)
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding if mark == codecs.BOM_UTF8 else _whole(file, encoding, path)
    for mark, what in _NO_TEXT:
        if start.startswith(mark):
            raise ContentError(f"{path} {what}, not a CSV file. {_remedy(start)}")
    if b"\0" in start:
        return _whole(file, _wide(start, path), path)
    if _reads(file, "utf-8") or _mostly_utf8(file):
        return "utf-8"
    if _reads(file, "cp949") and _is_korean(file):
        return "cp949"
    return "cp1252" if _reads(file, "cp1252") else "latin-1"


def require(file: BinaryIO, encoding: str, path: Path) -> None:
    """Raise UsageError where there is no such encoding, ContentError where it does not fit."""
    try:
        fits = _reads(file, encoding)
    except LookupError as error:
        raise UsageError(
            f"There is no encoding {encoding!r}. Write one such as utf-8, cp949, cp1252, shift_jis "
            f"or gb18030; without --encoding it is found out."
        ) from error
    if not fits:
        raise ContentError(
            f"{path} is not in {encoding}: some of its bytes are no letters there. "
            f"Leave --encoding out, or name another one."
        )


def _remedy(start: bytes) -> str:
    if start.startswith(b"PK") and b".csv" in start:
        return "Unpack it, and import the files in it one by one."
    return "Open it, save it as CSV (UTF-8), and import that."


def _whole(file: BinaryIO, encoding: str, path: Path) -> str:
    """The encoding, if all of the file is in it: with several bytes a letter nothing can be mended.

    Raises ContentError where it is not.
    """
    if not _reads(file, encoding):
        raise ContentError(
            f"{path} begins as {encoding.upper()}, but is damaged or not complete. Export it again."
        )
    return encoding


def _wide(start: bytes, path: Path) -> str:
    """Two bytes a letter without a mark: every other byte of Western text is zero."""
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
    while block := file.read(_BLOCK):
        yield block


def _reads(file: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for block in _blocks(file):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def _mostly_utf8(file: BinaryIO) -> bool:
    """Whether the file is UTF-8 with some damage, and not of another encoding altogether."""
    decoder = codecs.getincrementaldecoder("utf-8")(BROKEN)
    good = broken = 0
    for block in _blocks(file):
        text = decoder.decode(block)
        if not text.isascii():
            good += len(_BEYOND.findall(text))
            broken += len(_ESCAPED.findall(text))
    return good > broken


def _is_korean(file: BinaryIO) -> bool:
    """Whether most of the bytes beyond ASCII are common syllables: "Åsa" could be a rare one."""
    syllables = beyond = 0
    for block in _blocks(file):
        if not block.isascii():
            syllables += 2 * len(_HANGUL.findall(block))
            beyond += sum(byte > 0x7F for byte in block)
    return syllables * 2 > beyond
