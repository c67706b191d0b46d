"""Lists as other programs export them, through the command line, against what people counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from newsletter.subscriber_csv import open_subscribers
from tests.newsroom import Newsroom

NAMES = (
    "django-newsletter-duplicates",
    "keila-excel-bom-semicolon",
    "keila-malformed-quotes",
    "keila-with-status",
    "listmonk-subs",
    "mailchimp-full-columns",
    "mailchimp-shortrow",
    "semicolon-newline-in-quotes",
    "substack-active-flag",
)


@pytest.fixture(scope="module")
def expected(shared_data: Path) -> dict[str, Any]:
    found = shared_data / "subscribers" / "expected.json"
    if not found.is_file():
        pytest.skip("the lists are not on this machine")
    facts: dict[str, Any] = json.loads(found.read_text(encoding="utf-8"))
    assert set(facts) == {f"{name}.csv" for name in NAMES}
    return facts


@pytest.mark.parametrize("name", NAMES)
def test_a_real_export(
    newsroom: Newsroom, shared_data: Path, expected: dict[str, Any], name: str
) -> None:
    facts = expected[f"{name}.csv"]
    path = shared_data / "subscribers" / f"{name}.csv"
    with open_subscribers(path) as file:
        assert list(file.columns.header) == facts["columns"]
        assert file.delimiter == facts["delimiter"]
    done = newsroom.json("subscribers", "import", str(path))
    assert done["imported"] == facts["distinct_addresses_ignoring_case"]
    assert done["imported"] + done["repeated"] == facts["data_rows"]
    assert done["refused"] == []
    people = {person["email"]: person for person in newsroom.json("subscribers", "show")}
    assert len(people) == facts["distinct_addresses_ignoring_case"]
    active = {email for email, person in people.items() if person["status"] == "active"}
    assert set(people) - active == set(facts.get("must_not_mail", []))


def test_what_stands_in_them(newsroom: Newsroom, shared_data: Path) -> None:
    for name in ("keila-excel-bom-semicolon", "keila-malformed-quotes", "mailchimp-shortrow",
                 "semicolon-newline-in-quotes", "keila-with-status"):  # fmt: skip
        path = shared_data / "subscribers" / f"{name}.csv"
        if not path.is_file():
            pytest.skip("the lists are not on this machine")
        newsroom.run("subscribers", "import", str(path))
    people = {person["email"]: person for person in newsroom.json("subscribers", "show")}
    assert people["foo-1@example.com"]["name"] == "Joël Müller-Schultheiß"
    assert people["foo3@example.com"]["name"] == "Foo 3 Bar3"
    assert people["ada@lovelace.com"]["name"] == "Ada Lovelace"
    assert people["a@x.fr"]["name"] == "Du Pont"
    assert people["unreachable@example.com"]["suppressed"] == "bounced"
