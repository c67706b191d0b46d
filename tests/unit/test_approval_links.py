"""The key in a link to approve: what was signed here is read again, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.links.keyring import Keyring
from newsletter.links.signed_links import ApprovalClaim, approval_key, read_approval, reader_keys
from newsletter.model import IssueName

RING = Keyring("1", {"1": b"a key"})
NAME, HASH = "The Weekly Test", "0123456789abcdef" * 4
EXPIRES = datetime(2025, 7, 7, 20, tzinfo=UTC)
ISSUE = IssueName.parse("2025-07-07")
GIVEN = approval_key(RING, NAME, ISSUE, HASH, EXPIRES, "abcdefghijklmnop")

KEY = (
    f"v2.1.2025-07-07.{HASH}.1751918400.abcdefghijklmnop"
    ".lzClbwWkB-zvVRge33Autqf68uYSB_nqiohNypIv-xg"
)
OLD = (
    f"1.2025-07-07.{HASH}.1751918400.abcdefghijklmnop.N31PpXTIdxA1nM0W-UEgKoKeyemFULWOvaXEjMJTNVg",
    f"1.2025-07-07-c1.{HASH}.1751918400.abcdefghijklmnop"
    ".uJbCH61g4lwTAeqhPfx1h6BzK9a4AH5EZps0e7oSCfo",
)


@pytest.mark.parametrize(
    ("key", "issue"), [*zip(OLD, ("2025-07-07", "2025-07-07-c1"), strict=True)]
)
def test_links_in_mails_that_are_out_keep_working(key: str, issue: str) -> None:
    assert read_approval(RING, NAME, key) == ApprovalClaim(
        IssueName.parse(issue), HASH, EXPIRES, "abcdefghijklmnop"
    )
    assert read_approval(RING, "Another", key) is None
    assert read_approval(Keyring("1", {"1": b"another"}), NAME, key) is None
    assert read_approval(RING, NAME, f"v2.{key}") is None
    assert read_approval(RING, NAME, GIVEN.removeprefix("v2.")) is None


def test_links_keep_the_form_that_mails_hold() -> None:
    """Whoever changes how they are signed must give them a version of their own."""
    assert GIVEN == KEY


def test_what_was_signed_is_read_again() -> None:
    found = ApprovalClaim(ISSUE, HASH, EXPIRES, "abcdefghijklmnop")
    assert read_approval(RING, NAME, GIVEN) == found
    assert approval_key(RING, NAME, ISSUE, HASH, EXPIRES) != GIVEN


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
