"""The text of a saved page of the newspaper → its parts, each optional.

63.3 F / Los Angeles / Thursday, July 3, 2025      the masthead line: the page's, not the story's
headline
alternative text and caption of the picture, [CREDIT]
body
BY FIRST LAST   [address]
- Advertisement -
the editor's name, and the box about the editor
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from itertools import pairwise

from newsletter.model import Dateline, EditorBox, Page
from newsletter.sources import _bylines, _dates

_TEMPERATURE = re.compile(r"^([-−+]?\d{1,3}(?:[.,]\d+)?)\s*(?:°\s*)?([FC℉℃])$", re.IGNORECASE)
_ADVERTISEMENT = re.compile(r"^[-–—*_\s\[(]*(?:advertisements?|광고)[-–—*_\s\])]*$", re.IGNORECASE)
_MAIL = (
    r"[\[(<]?\s*(?P<email>[^\[\]()<>\s,;]+@[^\[\]()<>\s,;]+\.[^\[\]()<>\s,;]+)[^\[\]()<>]*[\])>]?"
)
_BYLINE = re.compile(rf"^(?P<by>BY\s+)(?P<names>[^\[\]<>@]+?)\s*(?:{_MAIL})?$", re.IGNORECASE)
_KOREAN_BYLINE = re.compile(
    rf"^(?P<names>[가-힣]{{2,5}}(?:[·,] ?[가-힣]{{2,5}})* 기자)\s*(?:{_MAIL})?$"
)
_ONLY_MAIL = re.compile(rf"^{_MAIL}$")
_CAPITALISED = re.compile(r"(?:[A-Z][\w.'’-]*|and|&|de|la|van|von|,)(?:\s+|,\s*|$)")
_CREDIT = re.compile(r"\s*\[(?P<credit>[^\[\]@]{2,80})\]\s*$")
_SURELY_CREDIT = re.compile(r"\b(?:AP|AFP|Yonhap|Reuters|Getty|[Cc]ourtesy|[Pp]hoto|[가-힣]+)\b")

_LONGEST_BYLINE = 120  # characters; a paragraph may start with "By", too
_LONGEST_NAME = 5  # words
_WRAPPED = range(55, 101)  # lengths of lines in a text with fixed line ends
_ALIKE = 0.8  # of a picture's two texts


@dataclass(frozen=True)
class SavedPicture:
    """A picture's texts; the file does not hold the picture itself."""

    alt: str
    caption: str
    credit: str | None


@dataclass
class SavedPage:
    """Everything that a saved page says; ``alt`` to ``credit`` are the first picture's."""

    title: str = ""
    alt: str | None = None
    caption: str | None = None
    credit: str | None = None
    body: list[str] = field(default_factory=list)
    authors: tuple[str, ...] = ()
    byline_email: str | None = None
    page: Page = field(default_factory=Page)
    pictures: list[SavedPicture] = field(default_factory=list)


def read(text: str) -> SavedPage:
    """The parts of the page; ``title`` is empty where there is nothing to read."""
    lines = _lines(text)
    page = SavedPage()
    dateline, lines = _masthead(lines)
    if not lines:
        return page
    page.title, *lines = lines
    adverts = sum(bool(_ADVERTISEMENT.match(line)) for line in lines)
    lines = [line for line in lines if not _ADVERTISEMENT.match(line)]
    lines, box = _editor(lines)
    spelling = [box.name, box.bio, *lines] if box else lines
    lines = _without_byline(lines, page, " ".join(spelling))
    page.body = _without_pictures(lines, page)
    if page.pictures:
        first = page.pictures[0]
        page.alt, page.caption, page.credit = first.alt, first.caption, first.credit
    page.page = Page(dateline, box, adverts)
    return page


def _lines(text: str) -> list[str]:
    """The lines that say something; what was broken at a fixed width is joined again."""
    blocks: list[list[str]] = [[]]
    for raw in text.splitlines():
        if line := " ".join(raw.split()):
            blocks[-1].append(line)
        else:
            blocks.append([])
    full = [len(line) in _WRAPPED for block in blocks for line in block[:-1]]
    longest = max((len(line) for block in blocks for line in block), default=0)
    if longest > _WRAPPED.stop or sum(full) < 3:
        return [line for block in blocks for line in block]
    return [line for block in blocks for line in _unwrapped(block)]


def _unwrapped(block: list[str]) -> list[str]:
    joined: list[str] = []
    previous = ""
    for line in block:
        if joined and len(previous) in _WRAPPED and not previous.endswith("]"):
            joined[-1] += f" {line}"
        else:
            joined.append(line)
        previous = line
    return joined


def _masthead(lines: list[str]) -> tuple[Dateline | None, list[str]]:
    """Temperature, city and date at the top, in this order, any of them missing."""
    temperature = unit = city = None
    rest = lines
    if rest and (match := _TEMPERATURE.match(rest[0])):
        temperature = float(match[1].replace("−", "-").replace(",", "."))
        unit, rest = {"℉": "F", "℃": "C"}.get(match[2], match[2].upper()), rest[1:]
    day = _dates.only_day(rest[0]) if rest else None
    if day:
        rest = rest[1:]
    elif len(rest) > 1 and _is_city(rest[0]) and (day := _dates.only_day(rest[1])):
        city, rest = rest[0], rest[2:]
    elif temperature is not None and len(rest) > 1 and _is_city(rest[0]):
        city, rest = rest[0], rest[1:]
    if temperature is None and city is None and day is None:
        return None, lines
    return Dateline(city, temperature, unit, day), rest


def _is_city(line: str) -> bool:
    return len(line.split()) <= 3 and len(line) <= 40 and not re.search(r"\d|[.!?]$", line)


def _editor(lines: list[str]) -> tuple[list[str], EditorBox | None]:
    """The box at the end: the editor's name on lines of its own, then who that is."""
    for index in range(len(lines) - 1, 0, -1):
        name, bio = lines[index - 1], lines[index]
        if len(name.split()) > _LONGEST_NAME or len(bio) <= len(name) or _BYLINE.match(name):
            continue
        start = index - 1
        while start > 0 and lines[start - 1] == name:
            start -= 1
        if bio.startswith(f"{name} ") or start < index - 1:
            return lines[:start], EditorBox(name, " ".join(lines[index:]))
    return lines, None


def _without_byline(lines: list[str], found: SavedPage, spelling: str) -> list[str]:
    """Take the bylines out; ``spelling``: text in which names may stand as people write them."""
    rest: list[str] = []
    after_byline = False
    for line in lines:
        match = _BYLINE.match(line) or _KOREAN_BYLINE.match(line)
        mail = _ONLY_MAIL.match(line)
        if match and _is_byline(line, match):
            people = _bylines.parse_authors([f"By {match['names']}"])
            spelled = (_spelled(name, spelling) for name in people)
            found.authors = tuple(dict.fromkeys([*found.authors, *spelled]))
            found.byline_email = found.byline_email or match["email"]
        elif mail and after_byline:
            found.byline_email = found.byline_email or mail["email"]
        else:
            rest.append(line)
        after_byline = bool(match)
    return rest


def _is_byline(line: str, match: re.Match[str]) -> bool:
    """Whether this is a byline, and not a sentence that starts with "By"."""
    if len(line) > _LONGEST_BYLINE:
        return False
    if match["email"] or "by" not in match.groupdict():
        return True
    if line[-1] in ".!?:" and not re.search(r"\b[JS][Rr]\.$", line):
        return False
    names = match["names"]
    return names.isupper() or (
        len(names.split()) > 1 and bool(re.fullmatch(f"(?:{_CAPITALISED.pattern}){{2,10}}", names))
    )


def _spelled(name: str, text: str) -> str:
    """A name in capitals as people write it; as the page itself writes it where it does."""
    if not name.isupper():
        return name
    for same in re.finditer(rf"\b{re.escape(name)}\b", text, re.IGNORECASE):
        if not same.group().isupper() and same.group()[0].isupper():
            return same.group()
    title = re.sub(r"[^\W\d_]+", lambda word: word.group().capitalize(), name)
    title = re.sub(r"\bMc([a-z])", lambda word: f"Mc{word[1].upper()}", title)
    title = re.sub(r"(?<=[’'])S\b", "s", title)
    return re.sub(r"\b(?:Ii|Iii|Iv)$", lambda word: word.group().upper(), title)


def _without_pictures(lines: list[str], found: SavedPage) -> list[str]:
    """Take the pictures' texts out of the body.

    The page shows each twice: what is read aloud, then what is seen. The two are nearly equal.
    """
    body: list[str] = []
    pending = ""
    for line, following in pairwise([*lines, ""]):
        sure = bool(body)
        credit = _credit(line, sure=sure)
        bare = _CREDIT.sub("", line) if credit else line
        if pending and _alike(pending, bare):
            found.pictures.append(SavedPicture(pending, bare, credit))
            pending = ""
        elif _alike(bare, _CREDIT.sub("", following)) and (credit or not body):
            pending = bare
        elif credit:
            found.pictures.append(SavedPicture(bare, bare, credit))
        else:
            body.append(line)
    return body


def _credit(line: str, *, sure: bool) -> str | None:
    """The credit at the end of a caption; in the body (``sure``) only what can be nothing else."""
    match = _CREDIT.search(line)
    if not match:
        return None
    credit = match["credit"].strip()
    if credit[0].islower() or credit[-1] in ".!?…":
        return None
    if sure and not (credit.isupper() or _SURELY_CREDIT.search(credit)):
        return None
    return credit


def _alike(one: str, other: str) -> bool:
    if not one or not other or min(len(one), len(other)) * 2 < max(len(one), len(other)):
        return False
    if max(len(one), len(other)) > 1000:
        return one == other
    return SequenceMatcher(None, one.lower(), other.lower(), autojunk=False).ratio() > _ALIKE
