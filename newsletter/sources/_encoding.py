"""Bytes to text: what publishers and old computers save, whatever they say it is."""

from __future__ import annotations

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
# Encodings that are declared where a larger one is meant.
_MEANT = {
    "ascii": "cp1252",
    "euc_kr": "cp949",
    "gb2312": "gb18030",
    "iso8859-1": "cp1252",
    "shift_jis": "cp932",
}
_DECLARED = re.compile(
    rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]+)|<meta[^>]{0,200}?charset\s*=\s*["']?([\w.:-]+)""",
    re.IGNORECASE,
)
_LOOKED_AT = 4096  # bytes in which a declaration must stand


def decoded(data: bytes, declared: str | None = None) -> str:
    """The text of a file or an answer; never fails.

    ``declared``: what came with it, such as the charset of a Content-Type. What the bytes prove
    counts more than what is declared, in the file or beside it; nothing declared means Korean or
    Western European.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace").lstrip("\ufeff")
    names = [name for name in (_in_file(data), _known(declared or "")) if name]
    if not any(name.startswith(("iso2022", "hz")) for name in names):  # these are pure ASCII
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            pass
    for name in names:
        try:
            return data.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
    for name in names:  # a few bytes may be broken, as in hand-made Big5
        text = data.decode(name, errors="replace")
        if text.count("\ufffd") * 50 < sum(letter > "\x7f" for letter in text):
            return text
    return _guessed(data)


def charset(content_type: str) -> str | None:
    """The charset that a Content-Type names."""
    match = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", content_type, re.IGNORECASE)
    return match[1] if match else None


def _in_file(data: bytes) -> str | None:
    match = _DECLARED.search(data, 0, _LOOKED_AT)
    return _known((match[1] or match[2]).decode("ascii")) if match else None


def _known(name: str) -> str | None:
    try:
        codec = codecs.lookup(name).name
    except (LookupError, ValueError):
        return None
    return _MEANT.get(codec, codec)


def _guessed(data: bytes) -> str:
    text = data.decode("utf-8", errors="replace")
    if text.count("\ufffd") * 10 < sum(letter > "\x7f" for letter in text):
        return text  # UTF-8 with a letter broken here and there
    try:
        korean = data.decode("cp949")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")
    return korean if _is_korean(korean) else data.decode("cp1252", errors="replace")


def _is_korean(text: str) -> bool:
    """Whether this is Korean, and not Western quotation marks read as rare syllables."""
    letters = [letter for letter in text if letter > "\x7f"]
    common = sum("가" <= letter <= "힣" and _in_ks_x_1001(letter) for letter in letters)
    return common * 2 > len(letters)


def _in_ks_x_1001(letter: str) -> bool:
    try:
        letter.encode("euc_kr")
    except UnicodeEncodeError:
        return False
    return True
