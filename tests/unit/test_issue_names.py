"""The names of issues, and of the mails that correct them."""

import pickle
from datetime import date

import pytest

from newsletter.model import IssueName

ISSUE = IssueName(date(2025, 7, 7))
FIRST, SECOND, TENTH = (IssueName(date(2025, 7, 7), number) for number in (1, 2, 10))
NEXT = IssueName(date(2025, 7, 14))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (ISSUE, "2025-07-07"),
        (FIRST, "2025-07-07-c1"),
        (IssueName(date(2025, 12, 31), 999), "2025-12-31-c999"),
        (IssueName(date(985, 1, 2)), "0985-01-02"),
    ],
)
def test_a_name_is_written_and_read_the_same_way(name: IssueName, text: str) -> None:
    assert str(name) == f"{name}" == text
    assert IssueName.parse(text) == name
    assert pickle.loads(pickle.dumps(name)) == name


@pytest.mark.parametrize(
    "text",
    [
        *("", "2025-7-7", "20250707", "2025-W28-1", "2025-02-30", "0000-01-01", " 2025-07-07"),
        *("2025-07-07\n", "2025-07-07-c0", "2025-07-07-c01", "2025-07-07-c1000", "2025-07-07-c"),
        *("2025-07-07-c-1", "2025-07-07-C1", "2025-07-07-c1-c2", "２０２５-07-07", "2025-07-07-c١"),
    ],
)
def test_anything_else_is_no_name(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        IssueName.parse(text)


def test_names_are_ordered_by_date_and_corrections_by_number() -> None:
    assert sorted([NEXT, TENTH, SECOND, ISSUE, FIRST]) == [ISSUE, FIRST, SECOND, TENTH, NEXT]


def test_a_name_is_a_value() -> None:
    again = IssueName.parse("2025-07-07-c1")
    assert {FIRST: "a", ISSUE: "b"}[again] == "a"
    assert ISSUE != FIRST
    assert len({ISSUE, FIRST, again}) == 2


def test_a_correction_knows_what_it_corrects() -> None:
    assert FIRST.is_correction
    assert FIRST.corrected == ISSUE
    assert not ISSUE.is_correction
    assert ISSUE.corrected == ISSUE
