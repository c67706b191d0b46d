"""Parsers hold their promises for whatever comes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import LISTS, RETURNED, SEEDS, TARGETS, TOLD

PIECES = st.sampled_from(
    [
        b"<", b">", b"&", b"&#0;", b"&lt;script&gt;", b"]]>", b"<![CDATA[", b"\x00", b"\xff\xfe",
        b"\xc3\x28", "\u202e".encode(), "\ud55c".encode(), "\ud55c".encode("cp949"), b"null", b"{",
        b"[", b'"', b"\\u0000", b"\\ud800", b"ndx-unsubscribe-html-xdn", b"{{ 7*7 }}", b"-1e999",
        b"0000-00-00", b"9999-12-31T23:59:59Z", b"javascript:x", b"data:,x", b"//[", b"http://a:b@c",
    ]
)  # fmt: skip

OTHERS = {"list": LISTS, "bounce": RETURNED, "events": TOLD}


@st.composite
def mutated(draw: st.DrawFn, seed: bytes) -> bytes:
    """A good answer with pieces cut out, doubled, or put in."""
    data = seed
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 40)))
        middle = draw(st.one_of(PIECES, st.binary(max_size=8), st.just(data[start:end] * 2)))
        data = data[:start] + middle + data[end:]
    return data


@pytest.mark.parametrize("name", [*SEEDS, *OTHERS])
@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_an_answer_that_went_wrong(name: str, data: Any) -> None:
    seed = data.draw(st.sampled_from(SEEDS.get(name) or OTHERS[name]))
    TARGETS[name](data.draw(mutated(seed)))


@pytest.mark.parametrize("name", TARGETS)
@given(data=st.binary(max_size=300))
@settings(max_examples=60, deadline=None)
def test_any_bytes_at_all(name: str, data: bytes) -> None:
    TARGETS[name](data)


@given(text=st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_words(text: str) -> None:
    TARGETS["words"](text.encode("utf-8", "surrogatepass"))
