"""Words as they are searched: without capitals, accents and marks; those of Korean in pairs.

Hangul and its neighbours are written without a blank before a particle, or between the parts of a
name. So a run of such letters is kept as its pairs (시장에서: 시장 장에 에서 서), in which a search
for 시장 finds its pair, and one for more letters its pairs in a row. That asks nothing of a
database but words and phrases.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

LONGEST = 200  # letters of what somebody looks for
MOST = 10  # words in it
_RUN = re.compile(r"[^\W_]+")
_PAIRED = re.compile("([\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u3400-\u9fff\uac00-\ud7a3]+)")
_ENDINGS = re.compile(r"(?<=\w{3})(?:ing|ies|es|ed|s|y)$")
_ROOM = 190  # letters of an excerpt

Marked = list[tuple[str, bool]]


def plain(text: str) -> str:
    """The text without capitals and accents."""
    apart = unicodedata.normalize("NFKD", text)
    bare = "".join(letter for letter in apart if unicodedata.category(letter) != "Mn")
    return unicodedata.normalize("NFC", bare).casefold()


def indexed(text: str) -> str:
    """The words of a text as they are kept, with blanks between them."""
    return " ".join(word for run in _RUN.findall(plain(text)) for word in _parts(run, last=True))


def phrases(asked: str) -> list[list[str]]:
    """What somebody looks for: phrases that must all be there; the last word may go on.

    Nothing in it is a command: quotes and operators only part words.
    """
    found = (
        [word for run in _RUN.findall(plain(chunk)) for word in _parts(run, last=False)]
        for chunk in asked[:LONGEST].split()
    )
    return [phrase for phrase in found if phrase][:MOST]


def marked(text: str, asked: str) -> Marked:
    """The text in pieces, and whether each is what was looked for."""
    wanted = _wanted(asked)
    pieces: Marked = []
    end = 0
    for run in _RUN.finditer(text):
        for start, stop in _hits(run[0], wanted):
            pieces.append((text[end : run.start() + start], False))
            pieces.append((text[run.start() + start : run.start() + stop], True))
            end = run.start() + stop
    pieces.append((text[end:], False))
    return [piece for piece in pieces if piece[0]]


def excerpt(passages: list[str], asked: str) -> Marked:
    """Of the passage that has the most of what was looked for, the part around the first of it."""
    wanted = _wanted(asked)

    def score(passage: str) -> int:
        words = [plain(run) for run in _RUN.findall(passage)]
        return sum(any(_hit(word, each) for word in words) for each in wanted)

    best = max(passages, key=score, default="")
    shown = marked(best, asked)
    first = next((i for i, (_, hit) in enumerate(shown) if hit), len(shown))
    before = sum(len(piece) for piece, _ in shown[:first]) if first < len(shown) else 0
    start = 0 if before < _ROOM // 2 else best.rfind(" ", 0, before - _ROOM // 4) + 1
    stop = len(best)
    if stop - start > _ROOM:
        stop = max(best.rfind(" ", start, start + _ROOM), start + _ROOM // 2)
    words = ("… " if start else "") + best[start:stop].strip() + (" …" if stop < len(best) else "")
    return marked(words, asked)


def _parts(run: str, *, last: bool) -> Iterator[str]:
    for part in filter(None, _PAIRED.split(run)):
        if len(part) == 1 or not _PAIRED.match(part):
            yield part
            continue
        yield from (part[i : i + 2] for i in range(len(part) - 1))
        if last:  # who looks for one letter finds it at the end of a word, too
            yield part[-1]


def _wanted(asked: str) -> list[str]:
    """The words to mark, each once; every one is held against each word of the text."""
    runs = _RUN.findall(plain(asked[:LONGEST]))
    return list(dict.fromkeys(part for run in runs for part in _PAIRED.split(run) if part))[:MOST]


def _hit(word: str, wanted: str) -> bool:
    if _PAIRED.match(wanted):
        return wanted in word
    return word.startswith(wanted) or _ENDINGS.sub("", word) == _ENDINGS.sub("", wanted)


def _hits(run: str, wanted: list[str]) -> Iterator[tuple[int, int]]:
    """Where in a run of letters something stands that was looked for."""
    word = plain(run)
    for each in wanted:
        if not _hit(word, each):
            continue
        if _PAIRED.match(each) and len(word) == len(run):
            start = word.index(each)
            yield start, start + len(each)
        else:
            yield 0, len(run)
        return
