"""The terms of a text as the archive indexes and searches them.

Terms have no capitals, accents or punctuation. Korean and its neighbours write particles, and the
parts of a name, without a space. So each run of their letters becomes its overlapping pairs
(시장에서: 시장 장에 에서 서): a search for 시장 matches a pair, and a longer one matches several
pairs in a row. The database needs to support only words and phrases.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

MAX_LENGTH = 200  # letters of a query
MAX_PHRASES = 10  # in a query
EXCERPT_LENGTH = 190  # letters

_RUN = re.compile(r"[^\W_]+")
_PAIRED = re.compile("([\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u3400-\u9fff\uac00-\ud7a3]+)")
_SUFFIX = re.compile(r"(?<=\w{3})(?:ing|ies|es|ed|s|y)$")

Highlighted = list[tuple[str, bool]]  # pieces of a text, and whether each matches the query


def fold(text: str) -> str:
    """The text without capitals and accents."""
    decomposed = unicodedata.normalize("NFKD", text)
    letters = "".join(letter for letter in decomposed if unicodedata.category(letter) != "Mn")
    return unicodedata.normalize("NFC", letters).casefold()


def index_terms(text: str) -> str:
    """The terms of a text, separated by spaces, for the index."""
    return " ".join(term for run in _RUN.findall(fold(text)) for term in _terms(run, final=True))


def phrases(query: str) -> list[list[str]]:
    """The phrases of a query: all must match, and the last term of each may be a prefix.

    Quotes and operators have no meaning; they only separate terms.
    """
    parsed = (
        [term for run in _RUN.findall(fold(chunk)) for term in _terms(run, final=False)]
        for chunk in query[:MAX_LENGTH].split()
    )
    return [phrase for phrase in parsed if phrase][:MAX_PHRASES]


def highlight(text: str, query: str) -> Highlighted:
    """The text in pieces, each with whether it matches the query."""
    query_words = _query_words(query)
    pieces: Highlighted = []
    end = 0
    for run in _RUN.finditer(text):
        if span := _match(run[0], query_words):
            start, stop = run.start() + span[0], run.start() + span[1]
            pieces += [(text[end:start], False), (text[start:stop], True)]
            end = stop
    pieces.append((text[end:], False))
    return [piece for piece in pieces if piece[0]]


def excerpt(passages: list[str], query: str) -> Highlighted:
    """The part of the best passage around its first match, highlighted."""
    query_words = _query_words(query)

    def score(passage: str) -> int:
        runs = [fold(run) for run in _RUN.findall(passage)]
        return sum(any(_is_match(run, word) for run in runs) for word in query_words)

    best = max(passages, key=score, default="")
    pieces = highlight(best, query)
    first = next((index for index, (_, is_match) in enumerate(pieces) if is_match), 0)
    position = sum(len(piece) for piece, _ in pieces[:first])
    start = 0
    if position >= EXCERPT_LENGTH // 2:
        start = best.rfind(" ", 0, position - EXCERPT_LENGTH // 4) + 1
    stop = len(best)
    if stop - start > EXCERPT_LENGTH:
        stop = max(best.rfind(" ", start, start + EXCERPT_LENGTH), start + EXCERPT_LENGTH // 2)
    text = ("… " if start else "") + best[start:stop].strip() + (" …" if stop < len(best) else "")
    return highlight(text, query)


def _terms(run: str, *, final: bool) -> Iterator[str]:
    """The terms of a run of letters. ``final`` adds the last letter, so that it can be found."""
    for part in filter(None, _PAIRED.split(run)):
        if len(part) == 1 or not _PAIRED.match(part):
            yield part
            continue
        yield from (part[i : i + 2] for i in range(len(part) - 1))
        if final:
            yield part[-1]


def _query_words(query: str) -> list[str]:
    """The different words to highlight; their number is limited, as each costs time."""
    runs = _RUN.findall(fold(query[:MAX_LENGTH]))
    parts = dict.fromkeys(part for run in runs for part in _PAIRED.split(run) if part)
    return list(parts)[:MAX_PHRASES]


def _is_match(run: str, word: str) -> bool:
    if _PAIRED.match(word):
        return word in run
    return run.startswith(word) or _SUFFIX.sub("", run) == _SUFFIX.sub("", word)


def _match(run: str, words: list[str]) -> tuple[int, int] | None:
    """The start and end of the first match within a run of letters."""
    folded = fold(run)
    for word in words:
        if not _is_match(folded, word):
            continue
        if _PAIRED.match(word) and len(folded) == len(run):
            start = folded.index(word)
            return start, start + len(word)
        return 0, len(run)
    return None
