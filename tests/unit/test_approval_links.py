"""The key in a link to approve: what was signed here is read again, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from newsletter.links.keyring import Keyring
from newsletter.links.signed_links import Approving, approval_key, read_approval, reader_keys

RING = Keyring("1", {"1": b"a key"})
NAME, HASH = "The Weekly Test", "0123456789abcdef" * 4
EXPIRES = datetime(2025, 7, 7, 20, tzinfo=UTC)
GIVEN = approval_key(RING, NAME, "2025-07-07", HASH, EXPIRES, "abcdefghijklmnop")


def test_what_was_signed_is_read_again() -> None:
    found = Approving("2025-07-07", HASH, EXPIRES, "abcdefghijklmnop")
    assert read_approval(RING, NAME, GIVEN) == found
    assert approval_key(RING, NAME, "2025-07-07", HASH, EXPIRES) != GIVEN


def test_another_key_or_another_newsletter_opens_nothing() -> None:
    assert read_approval(Keyring("1", {"1": b"another"}), NAME, GIVEN) is None
    assert read_approval(RING, "Another", GIVEN) is None
    assert all(read_approval(RING, NAME, key) is None for key in chain(*reader_keys(RING)([0], 0)))


@given(st.integers(0, len(GIVEN) - 1), st.characters())
def test_a_changed_letter_opens_nothing(place: int, letter: str) -> None:
    altered = GIVEN[:place] + letter + GIVEN[place + 1 :]
    assert altered == GIVEN or read_approval(RING, NAME, altered) is None


@given(st.text())
def test_garbage_opens_nothing(text: str) -> None:
    assert read_approval(RING, NAME, text) is None
    assert read_approval(RING, NAME, GIVEN + text) is None or not text
