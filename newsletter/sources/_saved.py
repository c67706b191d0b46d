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
from datetime import date, datetime

from newsletter.model import Dateline, EditorBox, Page

_TEMPERATURE = re.compile(r"^(-?\d{1,3}(?:\.\d+)?)\s*°?\s*([FC])$")
_DATES = ("%A, %B %d, %Y", "%B %d, %Y", "%a, %b %d, %Y", "%Y-%m-%d")
_BYLINE = re.compile(
    r"^BY\s+(?P<names>[^\[\]]+?)\s*(?:\[\s*(?P<email>[^\]\s]+@[^\]\s]+)\s*\])?$", re.IGNORECASE
)
_LONGEST_BYLINE = 120  # characters; a paragraph may start with "By", too
_ADVERTISEMENT = re.compile(r"^[-–—\s]*advertisement[-–—\s]*$", re.IGNORECASE)
_CREDIT = re.compile(r"\s*\[([^\[\]@]{2,80})\]\s*$")
_AND = re.compile(r"\s*(?:,|&|\band\b)\s*", re.IGNORECASE)


@dataclass
class SavedPage:
    """Everything that a saved page says."""

    title: str = ""
    alt: str | None = None
    caption: str | None = None
    credit: str | None = None
    body: list[str] = field(default_factory=list)
    authors: tuple[str, ...] = ()
    byline_email: str | None = None
    page: Page = field(default_factory=Page)


def read(text: str) -> SavedPage:
    """The parts of the page; ``title`` is empty where there is nothing to read."""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    lines = [line for line in lines if line]
    found = SavedPage()
    dateline, lines = _masthead(lines)
    if not lines:
        return found
    found.title, *lines = lines
    lines, box = _editor(lines)
    adverts = [line for line in lines if _ADVERTISEMENT.match(line)]
    lines = [line for line in lines if not _ADVERTISEMENT.match(line)]
    known = [box.name] if box else []
    lines = [line for line in lines if not _byline(line, found, known)]
    found.body = _pictures(lines, found)
    found.page = Page(dateline, box, len(adverts))
    return found


def _masthead(lines: list[str]) -> tuple[Dateline | None, list[str]]:
    """Temperature, city and date at the top, in this order, any of them missing."""
    temperature = unit = city = None
    rest = lines
    if rest and (match := _TEMPERATURE.match(rest[0])):
        temperature, unit, rest = float(match[1]), match[2], rest[1:]
    day = _date(rest[0]) if rest else None
    if day:
        rest = rest[1:]
    elif len(rest) > 1 and (day := _date(rest[1])):
        city, rest = rest[0], rest[2:]
    elif temperature is not None and len(rest) > 1 and len(rest[0].split()) <= 3:
        city, rest = rest[0], rest[1:]
    if temperature is None and city is None and day is None:
        return None, lines
    return Dateline(city, temperature, unit, day), rest


def _editor(lines: list[str]) -> tuple[list[str], EditorBox | None]:
    """The box at the end: the editor's name on lines of its own, then who that is."""
    for index in range(len(lines) - 1, 0, -1):
        name, bio = lines[index - 1], lines[index]
        if (
            name
            and len(name.split()) <= 5
            and bio.startswith(f"{name} ")
            and len(bio) > len(name) + 8
        ):
            end = index - 1
            while end > 0 and lines[end - 1] == name:
                end -= 1
            return lines[:end], EditorBox(name, " ".join(lines[index:]))
    return lines, None


def _byline(line: str, found: SavedPage, known: list[str]) -> bool:
    match = _BYLINE.match(line)
    if not match or len(line) > _LONGEST_BYLINE or (line[-1] in ".!?" and not match["email"]):
        return False
    names = [name for name in _AND.split(match["names"]) if name]
    if not match["email"] and not match["names"].isupper():
        return False
    found.authors = tuple(_spelled(name, known) for name in names)
    found.byline_email = match["email"]
    return True


def _spelled(name: str, known: list[str]) -> str:
    """A name in capitals as people write it; as the page itself writes it where it does."""
    same = next((each for each in known if each.lower() == name.lower()), None)
    if same or not name.isupper():
        return same or name
    return re.sub(r"[^\W\d_]+", lambda word: word.group().capitalize(), name)


def _pictures(lines: list[str], found: SavedPage) -> list[str]:
    """Take captions off the top of the body: the first picture's is the story's."""
    captions: list[tuple[str, str]] = []
    body = list(lines)
    while body and (match := _CREDIT.search(body[0])):
        captions.append((body[0][: match.start()].strip(), match[1].strip()))
        body = body[1:]
    if captions:
        found.alt = captions[0][0]
        # The page shows a picture's text twice: what is read aloud, then what is seen.
        twice = len(captions) > 1 and captions[0][0][:20] == captions[1][0][:20]
        found.caption, found.credit = captions[1] if twice else captions[0]
    return [line for line in body if not _CREDIT.search(line) or len(line) > 400]


def _date(text: str) -> date | None:
    for pattern in _DATES:
        try:
            return datetime.strptime(text, pattern).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    return None
