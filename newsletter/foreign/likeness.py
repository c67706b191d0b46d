"""Whether two headlines of different publishers tell one story.

Only differences that cannot change what is said count as none: a label ("UPDATE:", "[Photos]"), an
article ("the"), a slip of the pen in a long word, an end cut off with "…". One other number, place
or verb makes two stories of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from newsletter.foreign.headlines import same_headline

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

_NEAR = 88  # rapidfuzz's ratio: what is farther away is not looked at
_FEWEST_WORDS = 4  # "Weather" and "Letters to the editor" say nothing about a story
_FEWEST_WORDS_CUT = 5
_FEWEST_LETTERS = 10  # of headlines in scripts where blanks are a matter of taste
_LONG_WORD = 7  # in a shorter one a letter makes another word of it


class Headlines:
    """Headlines seen so far, each with a name; finds the one that tells the same story."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._keys: list[str] = []
        self._cut: list[bool] = []

    def add(self, name: str, title: str) -> None:
        """Remember a headline under the name of its article."""
        self._names.append(name)
        self._keys.append(_key(title))
        self._cut.append(bool(_CUT_OFF.search(title)))

    def alike(self, title: str) -> Iterable[str]:
        """The names of the headlines that tell the same story as this one, the nearest first."""
        from rapidfuzz import fuzz, process

        key, cut = _key(title), bool(_CUT_OFF.search(title))
        near = process.extract(
            key, self._keys, scorer=fuzz.ratio, score_cutoff=_NEAR, limit=len(self._keys)
        )
        yield from (self._names[place] for other, _, place in near if _same(key, other))
        for place, other in enumerate(self._keys):
            if (cut and _begins(other, key)) or (self._cut[place] and _begins(key, other)):
                yield self._names[place]


def _key(title: str) -> str:
    bare = _BEHIND.sub("", _BEFORE.sub("", title))
    return " ".join(word for word in same_headline(bare).split() if word not in _ARTICLES)


def _same(one: str, other: str) -> bool:
    if _NO_BLANKS.search(one):
        squeezed = one.replace(" ", "")
        return len(squeezed) >= _FEWEST_LETTERS and squeezed == other.replace(" ", "")
    words, others = one.split(), other.split()
    if len(words) < _FEWEST_WORDS or len(words) != len(others):
        return False
    different = [pair for pair in zip(words, others, strict=True) if pair[0] != pair[1]]
    return len(different) <= 1 and all(_slip(*pair) for pair in different)


def _slip(one: str, other: str) -> bool:
    """Whether two words are one, typed wrongly once: not an ending, not a number."""
    from rapidfuzz.distance import OSA

    long = min(len(one), len(other)) >= _LONG_WORD and one.isalpha() and other.isalpha()
    return long and one[:2] == other[:2] and one[-1] == other[-1] and OSA.distance(one, other) == 1


def _begins(whole: str, start: str) -> bool:
    words, first = whole.split(), start.split()
    if len(first) < _FEWEST_WORDS_CUT or len(words) <= len(first):
        return False
    # The last word may be cut, too.
    return words[: len(first) - 1] == first[:-1] and words[len(first) - 1].startswith(first[-1])
