"""Words as they are searched, in English and in Korean."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.text import search_terms


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Café au lait, NAÏVE", "cafe au lait naive"),
        ("7,000 at U.S. banks_are", "7 000 at u s banks are"),
        ("중앙시장에서", "중앙 앙시 시장 장에 에서 서"),
        ("LA시 의회", "la 시 의회 회"),
        ("", ""),
    ],
)
def test_words_are_kept_plain_and_korean_ones_in_pairs(text: str, words: str) -> None:
    assert search_terms.index_terms(text) == words


@pytest.mark.parametrize(
    ("asked", "phrases"),
    [
        ('"fire watch" OR NOT -ridge*', [["fire"], ["watch"], ["or"], ["not"], ["ridge"]]),
        ("state-wide", [["state", "wide"]]),
        ("중앙시장", [["중앙", "앙시", "시장"]]),
        ("*** -- ' \" ; \0", []),
        ("x " * 50, [["x"]] * search_terms.MAX_PHRASES),
    ],
)
def test_what_is_asked_for_has_no_commands(asked: str, phrases: list[list[str]]) -> None:
    assert search_terms.phrases(asked) == phrases


@pytest.mark.parametrize(
    ("text", "asked", "hits"),
    [
        ("Fires and the Fire-watch of Firestone", "fire", ["Fires", "Fire", "Firestone"]),
        ("Cities, a city, citizens", "cities", ["Cities", "city"]),
        ("중앙시장에서 만난 시장 상인", "시장", ["시장", "시장"]),
        ("Le café", "CAFE", ["café"]),
        ("Nothing of it", "<b>", []),
        ("k a", "a " * 90 + "k", ["k", "a"]),
        ("k a", "a b c d e f g h i j k", ["a"]),  # no more than ten, as each costs time
    ],
)
def test_what_was_found_is_marked(text: str, asked: str, hits: list[str]) -> None:
    pieces = search_terms.highlight(text, asked)
    assert "".join(piece for piece, _ in pieces) == text
    assert [piece for piece, hit in pieces if hit] == hits


def test_an_excerpt_is_of_the_passage_that_has_most() -> None:
    long = f"{'before it ' * 30}the night market opens {'and after it ' * 30}"
    pieces = search_terms.excerpt(["a market", long, "night"], "night market")
    words = "".join(piece for piece, _ in pieces)
    assert words.startswith("… ")
    assert words.endswith(" …")
    assert len(words) < 220
    assert [piece for piece, hit in pieces if hit] == ["night", "market"]


@settings(max_examples=100, deadline=None)
@given(st.text(), st.text())
def test_marks_take_nothing_away(text: str, asked: str) -> None:
    assert "".join(piece for piece, _ in search_terms.highlight(text, asked)) == text
    search_terms.excerpt([text], asked)
