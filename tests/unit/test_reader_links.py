"""Readers' keys and links to confirm, and the secrets behind them: several at once, in order."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.errors import ConfigError
from newsletter.links.keyring import Keyring, keyring, parse
from newsletter.links.signed_links import (
    ConfirmationClaim,
    Purpose,
    ReaderClaim,
    approval_key,
    confirmation_key,
    read_approval,
    read_confirmation,
    read_reader,
    reader_keys,
)
from newsletter.model import IssueName

RING, NAME = parse("a plain secret, with a comma", "here"), "The Weekly Test"
SAYS = ConfirmationClaim(7, 3, datetime(2025, 7, 7, 20, tzinfo=UTC), "abcdefghijklmnop")
CONFIRM = confirmation_key(RING, NAME, SAYS)
((LEAVE, CHOOSE),) = reader_keys(RING)([7], 3)
HASH = "0123456789abcdef" * 4


OLD_READER = ("1-12-3-C67K0O1cPHyeycfQm3z_", "1-12-3-TARDZ_LcXFLAjyWjPxce")
OLD_OF_A_LONG_SECRET = ("2-12-3-ZcLMVXgTr3wQaRYeSHrX", "2-12-3-K00VgGLkOOZrWAMeS3Q8")
OLD_CONFIRM = "1.7.3.1751918400.abcdefghijklmnop.X_tIvsX50muPeznYs-aG4mUlcb4lpmi_e6Q5Yhg_6bE"
READER_KEYS = [
    ("v2-1-12-3-di0S4tqqqH2aTRRAbi6N", "v2-1-12-3-yO3flWCyJwIRTU3dkwF-"),
    ("v2-1-13-3-X-ZdNP4hj000UOnQDWE4", "v2-1-13-3-kl0h-JFjZFZ42Yhu_ff1"),
]
KEYS_OF_A_LONG_SECRET = [("v2-2-12-3-6KmxIeN7tbyDYFAWukv0", "v2-2-12-3-I9tSL0SZ1KiI6JQl0LkW")]
CONFIRM_KEY = "v2.1.7.3.1751918400.abcdefghijklmnop.jH65W0kNPH-1-70ZXNHm_DivUTdRIUvk1vORknAq8FY"
OLD_RING = Keyring("2", {"2": b"k" * 100, "1": b"a key"})


@pytest.mark.parametrize("keys", [OLD_READER, OLD_OF_A_LONG_SECRET])
def test_keys_of_readers_in_mails_that_are_out_keep_working(keys: tuple[str, str]) -> None:
    leave, choose = keys
    assert read_reader(OLD_RING, Purpose.UNSUBSCRIBE, leave) == ReaderClaim(12, 3)
    assert read_reader(OLD_RING, Purpose.PREFERENCES, choose) == ReaderClaim(12, 3)
    assert read_reader(OLD_RING, Purpose.PREFERENCES, leave) is None
    assert read_reader(OLD_RING, Purpose.UNSUBSCRIBE, choose) is None


def test_links_to_confirm_in_mails_that_are_out_keep_working() -> None:
    assert read_confirmation(OLD_RING, NAME, OLD_CONFIRM) == SAYS
    assert read_confirmation(OLD_RING, "Another", OLD_CONFIRM) is None
    assert read_confirmation(Keyring("1", {"1": b"another"}), NAME, OLD_CONFIRM) is None


@pytest.mark.parametrize("key", [*OLD_READER, OLD_CONFIRM])
def test_a_key_of_one_version_is_none_of_the_other(key: str) -> None:
    version = "v2." if "." in key else "v2-"
    assert opened(version + key, OLD_RING) == []
    for own in (*reader_keys(OLD_RING)([12], 3)[0], confirmation_key(OLD_RING, NAME, SAYS)):
        assert opened(own, OLD_RING) != []
        assert opened(own.removeprefix("v2-").removeprefix("v2."), OLD_RING) == []


def test_keys_keep_the_form_that_mails_hold() -> None:
    """Whoever changes how keys are signed must give them a version of their own."""
    assert reader_keys(Keyring("1", {"1": b"a key"}))([12, 13], 3) == READER_KEYS
    assert reader_keys(OLD_RING)([12], 3) == KEYS_OF_A_LONG_SECRET
    assert confirmation_key(Keyring("1", {"1": b"a key"}), NAME, SAYS) == CONFIRM_KEY


def test_a_key_opens_what_it_was_made_for_and_nothing_else() -> None:
    assert read_reader(RING, Purpose.UNSUBSCRIBE, LEAVE) == ReaderClaim(7, 3)
    assert read_reader(RING, Purpose.PREFERENCES, CHOOSE) == ReaderClaim(7, 3)
    assert read_reader(RING, Purpose.PREFERENCES, LEAVE) is None
    assert read_reader(RING, Purpose.UNSUBSCRIBE, CHOOSE) is None
    assert read_confirmation(RING, NAME, CONFIRM) == SAYS
    assert read_confirmation(RING, "Another", CONFIRM) is None


@settings(deadline=None)
@given(st.sampled_from([LEAVE, CHOOSE, CONFIRM]), st.data())
def test_a_changed_letter_opens_nothing(key: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(key) - 1))
    altered = key[:place] + data.draw(st.characters()) + key[place + 1 :]
    assert altered == key or opened(altered) == []


@settings(deadline=None)
@given(st.text())
def test_garbage_opens_nothing(text: str) -> None:
    assert opened(text) == []
    assert not text or opened(CHOOSE + text) == opened(text + LEAVE) == []


@pytest.mark.parametrize(
    "key",
    [
        LEAVE.replace("v2-1-", "v2-１-"),  # digits of other scripts
        LEAVE.replace("-7-", "-007-"),
        LEAVE.replace("-7-", f"-{'9' * 18}-"),
        LEAVE.replace("-7-", f"-{'9' * 40}-"),
        LEAVE.replace("v2-1-", "v2-2-"),
        LEAVE.replace("v2-", "v1-"),
        LEAVE.replace("v2-", "v2."),
        LEAVE + "\n",
        "preview",
    ],
)
def test_numbers_in_another_dress_are_not_ours(key: str) -> None:
    assert opened(key) == []


def opened(key: str, ring: Keyring = RING) -> list[object]:
    found = [read_reader(ring, purpose, key) for purpose in Purpose]
    return [each for each in (*found, read_confirmation(ring, NAME, key)) if each]


def test_the_first_secret_signs_and_all_are_believed() -> None:
    older, newer = (
        parse("a key of the tests", "here"),
        parse("2:another-of-the-tests, 1:key-of-the-tests", "here"),
    )
    assert parse("2:another-of-the-tests 1:key-of-the-tests", "here") == newer
    both = Keyring("2", {"2": b"another-of-the-tests", "1": b"a key of the tests"})
    old, new = (reader_keys(ring)([7], 3)[0][0] for ring in (older, both))
    assert old.startswith("v2-1-")
    assert new.startswith("v2-2-")
    assert read_reader(both, Purpose.UNSUBSCRIBE, old) == ReaderClaim(7, 3)
    assert read_reader(both, Purpose.UNSUBSCRIBE, new) == ReaderClaim(7, 3)
    assert read_reader(older, Purpose.UNSUBSCRIBE, new) is None
    approving = approval_key(older, NAME, IssueName.parse("2025-07-07"), HASH, SAYS.expires)
    assert read_approval(both, NAME, approving) is not None
    assert read_approval(parse("2:another-of-the-tests", "here"), NAME, approving) is None
    assert read_confirmation(both, NAME, confirmation_key(older, NAME, SAYS)) == SAYS


@pytest.mark.parametrize(
    "plain",
    [
        "plain-and-long-enough", "with, commas and blanks", "a:b-that-is-long-enough",
        "12345:is-no-number-of-ours", "1: and blanks behind it",
    ],
)  # fmt: skip
def test_a_secret_without_a_number_is_the_first_whatever_its_letters(plain: str) -> None:
    assert parse(plain, "here") == Keyring("1", {"1": plain.encode()})


@pytest.mark.parametrize(
    "text", ["2:new-and-long-enough older-and-long-enough", "older-and-long-enough, 2:new"]
)
def test_a_number_that_was_forgotten_is_told_and_breaks_no_links(text: str) -> None:
    with pytest.raises(ConfigError, match="with a number and others without") as error:
        parse(text, "here")
    assert "enough" not in str(error.value)


@pytest.mark.parametrize("text", ["hush", "2:hush 1:long-enough-for-anybody", "fifteen letters"])
def test_a_secret_that_can_be_guessed_is_warned_of_once(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        parse(text, f"place {len(text)}")
    (said,) = caplog.messages
    assert said.startswith(f"place {len(text)} has a secret of less than 16 characters.")
    assert "hush" not in said


def test_two_secrets_of_one_number_are_refused_without_telling_them() -> None:
    with pytest.raises(ConfigError, match="two secrets of one number") as error:
        parse("1:hush 1:hushhush", "here")
    assert "hush" not in str(error.value)
    assert "hush" not in repr(parse("2:hush-hush-hush-hush", "here"))


def test_a_key_is_made_once_and_may_be_joined_by_a_newer_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NEWSLETTER_SECRET", raising=False)
    made = keyring(tmp_path)
    assert made == keyring(tmp_path)
    path = tmp_path / "secret.key"
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text(f"2:newer-of-the-tests 1:{path.read_text()}")
    assert keyring(tmp_path).keys == {"2": b"newer-of-the-tests", **made.keys}
    monkeypatch.setenv("NEWSLETTER_SECRET", "of the environment")
    assert keyring(tmp_path).signs == "1"
    monkeypatch.setenv("NEWSLETTER_SECRET", "3:other-of-the-tests")
    assert keyring(tmp_path).signs == "3"
