"""Whether two headlines of different publishers tell one story.

Only differences that cannot change what is said count as none: a label ("UPDATE:", "[Photos]"), an
article ("the"), a slip of the pen in a long word, an end cut off with "…". One other number, place
or verb makes two stories of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from newsletter.sanitize.headlines import same_headline

_LABEL = (
    r"update[sd]?|breaking(?:\ news)?|just\ in|developing|watch|video|photos?|gallery|exclusive|"
    r"속보|단독|종합|포토|영상|사진"
)
_BEFORE = re.compile(
    rf"^(?:\s*(?:[\[【(][^\]】)\d]{{1,20}}[\]】)]|(?:{_LABEL})\s*[:|]))+\s*(?=\S)",
    re.IGNORECASE | re.VERBOSE,
)
_BEHIND = re.compile(rf"\s*[\[【(](?:{_LABEL}|종합\d?보?)[\]】)]\s*$", re.IGNORECASE | re.VERBOSE)
_CUT_OFF = re.compile(r"\s*(?:…|\.\.\.)\s*$")
_ARTICLES = frozenset({"a", "an", "the"})
_NO_BLANKS = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")

_FEWEST_WORDS = 4  # "Weather" and "Letters to the editor" say nothing about a story
_FEWEST_WORDS_CUT = 5
_FEWEST_LETTERS = 10  # of headlines in scripts where blanks are a matter of taste
_LONG_WORD = 7  # in a shorter one a letter makes another word of it


class Headlines:
    """Headlines seen so far, each with a name; finds those that tell the same story.

    They are found by what two alike ones must share (all words but one; the first few), so that a
    thousand headlines are compared with a handful each.
    """

    def __init__(self) -> None:
        self._seen: list[tuple[str, list[str]]] = []
        self._by_share: dict[tuple[str, ...], list[int]] = {}
        self._by_start: dict[tuple[str, ...], list[int]] = {}
        self._cut_by_start: dict[tuple[str, ...], list[int]] = {}

    def add(self, name: str, title: str) -> None:
        """Remember a headline under the name of its article."""
        words, place = _words(title), len(self._seen)
        for share in _shares(words):
            self._by_share.setdefault(share, []).append(place)
        for starts in (self._by_start, *([self._cut_by_start] if _is_cut(title) else [])):
            starts.setdefault(_start(words), []).append(place)
        self._seen.append((name, words))

    def alike(self, title: str) -> Iterator[str]:
        """The names of the headlines that tell the same story as this one, the first seen first."""
        words = _words(title)
        found = {
            place
            for share in _shares(words)
            for place in self._by_share.get(share, ())
            if _same(words, self._seen[place][1])
        }
        if _is_cut(title):
            whole = self._by_start.get(_start(words), ())
            found |= {place for place in whole if _begins(self._seen[place][1], words)}
        cut = self._cut_by_start.get(_start(words), ())
        found |= {place for place in cut if _begins(words, self._seen[place][1])}
        return (self._seen[place][0] for place in sorted(found))


def _is_cut(title: str) -> bool:
    return bool(_CUT_OFF.search(title))


def _start(words: list[str]) -> tuple[str, ...]:
    return tuple(words[: _FEWEST_WORDS_CUT - 1])


def _words(title: str) -> list[str]:
    bare = _BEHIND.sub("", _BEFORE.sub("", _CUT_OFF.sub("", title)))
    return [word for word in same_headline(bare).split() if word not in _ARTICLES]


def _shares(words: list[str]) -> Iterator[tuple[str, ...]]:
    """What a headline has in common with every whole one that may be alike."""
    yield ("whole", "".join(words))
    if len(words) >= _FEWEST_WORDS:
        for place, word in enumerate(words):
            if len(word) >= _LONG_WORD - 1:
                yield ("but one", *words[:place], "", *words[place + 1 :])


def _same(one: list[str], other: list[str]) -> bool:
    squeezed = "".join(one)
    if _NO_BLANKS.search(squeezed) and squeezed == "".join(other):
        return len(squeezed) >= _FEWEST_LETTERS
    if len(one) < _FEWEST_WORDS or len(one) != len(other):
        return False
    different = [pair for pair in zip(one, other, strict=True) if pair[0] != pair[1]]
    return len(different) <= 1 and all(_slip(*pair) for pair in different)


def _slip(one: str, other: str) -> bool:
    """Whether two words are one, typed wrongly once: not an ending, not a number."""
    from rapidfuzz.distance import OSA

    long = min(len(one), len(other)) >= _LONG_WORD and one.isalpha() and other.isalpha()
    return long and one[:2] == other[:2] and one[-1] == other[-1] and OSA.distance(one, other) == 1


def _begins(words: list[str], first: list[str]) -> bool:
    if len(first) < _FEWEST_WORDS_CUT or len(words) <= len(first):
        return False
    # The last word may be cut, too.
    return words[: len(first) - 1] == first[:-1] and words[len(first) - 1].startswith(first[-1])
