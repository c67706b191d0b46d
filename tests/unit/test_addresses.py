"""Addresses and names in the form in which they are stored."""

from __future__ import annotations

import pytest
from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter.links import tokens
from newsletter.subscriber_csv import clean_name, normalize_address


def asked(address: str) -> str | None:
    """What email-validator says by itself."""
    try:
        valid = validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        return None
    return valid.normalized.lower()


def ours(address: str) -> str | None:
    try:
        return normalize_address(address)
    except ValueError:
        return None


PARTS = st.text("abzAZ019._+-'!#%&/=?^`{|}~*$@", max_size=70)
LABELS = st.text("abzAZ019-", max_size=66)
ENDS = st.sampled_from([*SPECIAL_USE_DOMAIN_NAMES, "com", "KR", "c", "x1", "co.uk", "xn--p1ai", ""])
DOMAINS = st.builds(
    lambda labels, end: ".".join([*labels, end]), st.lists(LABELS, max_size=4), ENDS
)
PLAIN = st.builds(lambda local, domain: f"{local}@{domain}", PARTS, DOMAINS)


@given(PLAIN)
@example("a@b.com")
@example("a@b.local")
@example("a@b.test")
@example(f"{'a' * 64}@b.com")
@example(f"a@{'b' * 63}.com")
@example("a@xn--bcher-kva.example")
@example("a..b@example.com")
@example(".a@example.com")
@example("a@-b.com")
@example("a@b-.com")
@example("a@ab--cd.com")
@example("\u212a@example.com")  # a Kelvin sign, which is k in lower case
@settings(deadline=None)
def test_the_short_way_says_what_email_validator_says(address: str) -> None:
    assert ours(address) == asked(address)


@given(st.one_of(PLAIN, st.emails(), st.builds("{}@{}.example".format, st.text(), st.text())))
@settings(deadline=None)
def test_a_stored_address_is_in_its_normal_form_already(address: str) -> None:
    if (found := ours(address)) is not None:
        assert normalize_address(found) == found
        assert found.isprintable()
        if found.isascii():
            assert normalize_address(found.upper()) == found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada@Example.COM", "ada@example.com"),
        (" ada@example.com\u00a0", "ada@example.com"),
        ("ada@BÜCHER.example", "ada@xn--bcher-kva.example"),
        ("ada@example.co.kr", "ADA@EXAMPLE.CO.KR"),
        ("jose\u0301@example.com", "jos\u00e9@example.com"),
        ("가나@example.com", "\u1100\u1161\u1102\u1161@example.com"),
    ],
)
def test_the_same_person(one: str, other: str) -> None:
    assert normalize_address(one) == normalize_address(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("a.da@example.com", "ada@example.com"), ("ada+news@example.com", "ada@example.com")],
)
def test_perhaps_another_person(one: str, other: str) -> None:
    assert normalize_address(one) != normalize_address(other)


@pytest.mark.parametrize(
    "address",
    [
        "", "ada", "ada@", "@example.com", "ada@example", "ada@localhost", "ada@@example.com",
        "ada@example.com\nBcc: bob@example.com", "ada@example.com,bob@example.com",
        "a\x00da@example.com", "ada@exam\tple.com", "ada\u202e@example.com",
        "Ada <ada@example.com>", "ada@[127.0.0.1]", '"ada b"@example.com', "ada@example.com;",
        "a" * 100_000 + "@example.com",
    ],
)  # fmt: skip
def test_what_is_no_address_is_said_in_few_words(address: str) -> None:
    with pytest.raises(ValueError, match=r"is not an address|there is no address") as caught:
        normalize_address(address)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 400


@given(st.text())
@example("Ada\u2028Lovelace")
@example("=1+1")
@settings(deadline=None)
def test_a_clean_name_is_one_seen_line_and_stays_as_it_is(name: str) -> None:
    try:
        found = clean_name(name)
    except ValueError:
        return
    assert found == " ".join(found.split())
    assert all(letter.isprintable() or letter in "\u200c\u200d" for letter in found)
    assert clean_name(found) == found
    assert tokens.without_tokens(found) == found
    assert len(found) <= 200


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("  Ada \n Lovelace ", "Ada Lovelace"),
        ("Du\nPont", "Du Pont"),
        ("Ada\u200b", "Ada"),
        ("\u202eadA", "adA"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("ndx-unsubscribe-html-xdn", "ndx unsubscribe-html-xdn"),
    ],
)
def test_names(name: str, kept: str) -> None:
    assert clean_name(name) == kept


@pytest.mark.parametrize(
    "name", ["Ada\r\nBcc: bob@example.com", "Ada\x00", "\x1b[31mAda", "Ad\udcff"]
)
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="the name") as caught:
        clean_name(name)
    assert str(caught.value).isprintable()
