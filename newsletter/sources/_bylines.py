"""Who wrote it, and who took the picture, out of the lines that say so."""

from __future__ import annotations

import re
from collections.abc import Iterable

from newsletter import sanitize

LONGEST = 100  # characters of a name or a credit

_BY = re.compile(r"^\s*(?:(?:written |reported |story )?by\s*:?|글\s*[:=])\s+", re.IGNORECASE)
_MAIL = re.compile(r"(?:mailto:)?[^\s@<>()\[\],;]+@[^\s@<>()\[\],;]+", re.IGNORECASE)
_WEB = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_EMPTY = re.compile(r"[<(\[]\s*[>)\]]")
_WRAPPED = re.compile(r"[<(\[]([^<>()\[\]]*)[>)\]]")
_BETWEEN = re.compile(r"\s*(?:;|,\s*and\s|,\s*&|\sand\s|\s&|,|/)\s*", re.IGNORECASE)
_AFTER_A_NAME = re.compile(r"(?:[JS]r|I{2,3}|IV|M\.?D|Ph\.?D|Esq|R\.?N)\.?", re.IGNORECASE)
_ROLE = re.compile(
    r"(?:(?:the|our|a|staff|senior|special|chief|contributing|freelance|city|news|sports|political)"
    r"\s+)*(?:writer|reporter|correspondent|editor|contributor|columnist|photographer)s?(?:\s.*)?",
    re.IGNORECASE,
)

_SIGN = r"(?:\s*(?:by|courtesy of|credits?|:|=|제공))+\s*"
_END = r"(?:^|(?<=[.!?…\"”’)\]]))\s*"  # of a sentence, or there is nothing but the credit
_CREDITS = (
    re.compile(r"\s*\[(?P<credit>[^\[\]@]{2,80})\]$"),
    re.compile(
        r"\s*\((?P<credit>[^()]*\b(?:AP|AFP|EPA|Reuters|Getty|Yonhap|[Vv]ia|[Cc]ourtesy|[Hh]andout|"
        r"[Pp]hoto(?:graph)?|[Ii]mage|[Ii]llustration)\b[^()]*|[A-Z][A-Z /.&-]+|연합뉴스|뉴시스)\)$"
    ),
    re.compile(
        rf"(?:{_END}|\s[-–—|]\s*)(?:photo(?:s|graphs?|graphy)?|picture|image|credits?|사진|그래픽)"
        rf"{_SIGN}(?P<credit>[^!?…]{{2,80}}?)\.?$",
        re.IGNORECASE,
    ),
    re.compile(rf"{_END}(?P<credit>(?:Illustration|Graphic) by [^!?…]{{2,60}}?)\.?$"),
    re.compile(rf"{_END}/\s*(?P<credit>[^\W\d_a-z][^/.!?]{{1,59}})$"),
    re.compile(r"\s+/\s*(?P<credit>[^\Wa-z\d_][^\Wa-z]*(?:[ .&-]+[^\Wa-z]+){0,4})$"),
)
_ASIDE = frozenset({"sic", "laughs", "laughing", "applause", "left", "right", "center", "above"})


def parse_authors(bylines: Iterable[str]) -> tuple[str, ...]:
    """The people in some bylines, each once, in their order: never an address of web or mail."""
    authors: dict[str, str] = {}
    for byline in bylines:
        for name in _people(byline):
            authors.setdefault(name.casefold(), name)
    return tuple(authors.values())


def split_credit(caption: str) -> tuple[str, str]:
    """A caption without its credit, and the credit ("" where it has none)."""
    text = sanitize.one_line(caption, 2000)
    for pattern in _CREDITS:
        match = pattern.search(text)
        if match and match["credit"].strip().lower() not in _ASIDE:
            credit = re.sub(rf"^photo(?:graph)?s?{_SIGN}", "", match["credit"], flags=re.IGNORECASE)
            return text[: match.start()].rstrip(" /|-–—"), credit.strip()
    return text, ""


def _people(text: str) -> list[str]:
    line = _WEB.sub("", _MAIL.sub("", sanitize.plain(text[:1000])))
    line = _EMPTY.sub("", line).strip(" ,;/")
    by = _BY.match(line)
    line = line[by.end() :] if by else line
    if wrapped := _WRAPPED.fullmatch(line):
        line = wrapped[1]
    pieces: list[str] = []
    for piece in _BETWEEN.split(line):
        if pieces and _AFTER_A_NAME.fullmatch(piece):
            pieces[-1] += f", {piece}"
        elif piece and not (pieces and _ROLE.fullmatch(piece)):
            pieces.append(piece)
    # "Food and Drug Administration" and "Lee, Mooyoung" are one author each.
    if len(pieces) > 1 and not by and any(not _may_be_person(piece) for piece in pieces):
        pieces = [line]
    lines = (sanitize.one_line(piece.strip(" ,;"), LONGEST) for piece in pieces)
    return [name for name in lines if re.search(r"[^\W\d_]", name) and not re.search("@|:/", name)]


def _may_be_person(piece: str) -> bool:
    return " " in piece or bool(re.search(r"[가-힣一-鿿]", piece))
