"""Tell whether headlines of different publishers are about one story.

Only differences that cannot change the meaning are ignored: a label ("UPDATE:", "[Photos]"), an
article ("the"), a typing error in a long word, an end cut off with "…". Headlines that differ in a
number, a place or a verb are two stories.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from newsletter.sanitize.headlines import headline_key

_LABEL = (
    r"update[sd]?|breaking(?:\ news)?|just\ in|developing|watch|video|photos?|gallery|exclusive|"
    r"속보|단독|종합|포토|영상|사진"
)
_LABEL_PREFIX = re.compile(
    rf"^(?:\s*(?:[\[【(][^\]】)\d]{{1,20}}[\]】)]|(?:{_LABEL})\s*[:|]))+\s*(?=\S)",
    re.IGNORECASE | re.VERBOSE,
)
_LABEL_SUFFIX = re.compile(
    rf"\s*[\[【(](?:{_LABEL}|종합\d?보?)[\]】)]\s*$", re.IGNORECASE | re.VERBOSE
)
_ELLIPSIS = re.compile(r"\s*(?:…|\.\.\.)\s*$")
_ARTICLES = frozenset({"a", "an", "the"})
_SPACELESS_SCRIPT = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")

_MIN_WORDS = 4  # fewer ("Weather", "Letters to the editor") do not identify a story
_MIN_WORDS_TRUNCATED = 5
_MIN_LETTERS = 10  # of headlines in scripts where spaces are optional
_LONG_WORD = 7  # letters; in a shorter word one letter makes another word


class HeadlineIndex:
    """Finds headlines about the same story.

    Candidates are looked up by keys that similar headlines share (all words but one, the first
    words), so that each of a thousand headlines is compared with only a few.
    """

    def __init__(self) -> None:
        self._entries: list[tuple[str, list[str]]] = []  # name and words of each headline
        self._by_key: dict[tuple[str, ...], list[int]] = {}
        self._by_start: dict[tuple[str, ...], list[int]] = {}
        self._truncated_by_start: dict[tuple[str, ...], list[int]] = {}

    def add(self, name: str, title: str) -> None:
        """Add a headline under the name of its article."""
        title_words, index = _words(title), len(self._entries)
        for key in _keys(title_words):
            self._by_key.setdefault(key, []).append(index)
        self._by_start.setdefault(_start(title_words), []).append(index)
        if _is_truncated(title):
            self._truncated_by_start.setdefault(_start(title_words), []).append(index)
        self._entries.append((name, title_words))

    def similar(self, title: str) -> Iterator[str]:
        """The names of the headlines about the same story, in the order in which they came."""
        title_words = _words(title)
        matches = {
            index
            for key in _keys(title_words)
            for index in self._by_key.get(key, ())
            if _is_same(title_words, self._entries[index][1])
        }
        if _is_truncated(title):
            candidates = self._by_start.get(_start(title_words), ())
            matches |= {i for i in candidates if _begins_with(self._entries[i][1], title_words)}
        candidates = self._truncated_by_start.get(_start(title_words), ())
        matches |= {i for i in candidates if _begins_with(title_words, self._entries[i][1])}
        return (self._entries[index][0] for index in sorted(matches))


def _is_truncated(title: str) -> bool:
    return bool(_ELLIPSIS.search(title))


def _start(words: list[str]) -> tuple[str, ...]:
    return tuple(words[: _MIN_WORDS_TRUNCATED - 1])


def _words(title: str) -> list[str]:
    bare = _LABEL_SUFFIX.sub("", _LABEL_PREFIX.sub("", _ELLIPSIS.sub("", title)))
    return [word for word in headline_key(bare).split() if word not in _ARTICLES]


def _keys(words: list[str]) -> Iterator[tuple[str, ...]]:
    """Keys of which two complete headlines share at least one if they are similar."""
    yield ("all", "".join(words))
    if len(words) >= _MIN_WORDS:
        for index, word in enumerate(words):
            if len(word) >= _LONG_WORD - 1:
                yield ("all but one", *words[:index], "", *words[index + 1 :])


def _is_same(words: list[str], others: list[str]) -> bool:
    letters = "".join(words)
    if _SPACELESS_SCRIPT.search(letters) and letters == "".join(others):
        return len(letters) >= _MIN_LETTERS
    if len(words) < _MIN_WORDS or len(words) != len(others):
        return False
    different = [pair for pair in zip(words, others, strict=True) if pair[0] != pair[1]]
    return len(different) <= 1 and all(_is_typo(*pair) for pair in different)


def _is_typo(word: str, variant: str) -> bool:
    """Whether two words differ by one typing error; a number or another ending is not one."""
    from rapidfuzz.distance import OSA

    is_long = min(len(word), len(variant)) >= _LONG_WORD and word.isalpha() and variant.isalpha()
    has_same_ends = word[:2] == variant[:2] and word[-1] == variant[-1]
    return is_long and has_same_ends and OSA.distance(word, variant) == 1


def _begins_with(words: list[str], start: list[str]) -> bool:
    if len(start) < _MIN_WORDS_TRUNCATED or len(words) <= len(start):
        return False
    # The last word may be truncated, too.
    return words[: len(start) - 1] == start[:-1] and words[len(start) - 1].startswith(start[-1])
