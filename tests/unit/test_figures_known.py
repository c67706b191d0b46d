"""What the figures of an issue say of what nobody looked for, and how they are drawn."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from newsletter.app import Desk, open_desk
from newsletter.app.feedback import figures, figures_page
from newsletter.issues import parse_issue
from newsletter.model import EventKind
from tests.ledgers import NOW
from tests.provider_events import delivered, event, mailed, read, soft
from tests.public_pages import visit
from tests.unit.test_sendgrid_words import CONFIG

ISSUE = parse_issue("2025-07-07")
ONE, TWO = "https://www.example.com/one", "https://www.example.com/two"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SENDGRID_API_KEY", "SG.a-key-of-the-tests")
    return tmp_path


def opened(folder: Path, options: str = "") -> Desk:
    (folder / "newsletter.toml").write_text(f"{CONFIG}{options}\n", encoding="utf-8")
    return open_desk(folder, lambda: NOW + timedelta(days=1))


OPENS, CLICKS = "open_tracking = true", "click_tracking = true"


@pytest.mark.parametrize(
    ("options", "kinds", "opens", "clicks"),
    [
        ("", "", None, None),
        ("", "d", None, None),
        (OPENS, "", None, None),  # nothing was reported at all
        (OPENS, "d", 0, None),
        (CLICKS, "d", None, 0),
        (f"{OPENS}\n{CLICKS}", "d", 0, 0),
        ("", "do", 1, None),  # it was looked for when the issue went out
        ("", "dc", None, 1),
        (OPENS, "dc", 0, 1),
        (CLICKS, "do", 1, 0),
        (OPENS, "s", 0, None),
    ],
)
def test_what_nobody_looked_for_is_unknown_and_not_zero(
    folder: Path, options: str, kinds: str, opens: int | None, clicks: int | None
) -> None:
    desk = opened(folder, options)
    send_id = mailed(desk.database, n=3)
    made = {
        "d": lambda: delivered(desk.database, send_id),
        "s": lambda: soft(desk.database, send_id, 1),
        "o": lambda: event(desk.database, send_id, EventKind.OPENED, after=900),
        "c": lambda: event(desk.database, send_id, EventKind.CLICKED, after=900, link=ONE),
    }
    read(desk.database, [made[kind]() for kind in kinds])
    found = figures.compute(desk, ISSUE)
    assert (found.opens and found.opens.people.readers) == opens
    assert (found.clicks and found.clicks.people.readers) == clicks
    assert (found.opens is None, found.clicks is None) == (opens is None, clicks is None)
    assert found.delivered == (1 if "d" in kinds else None)
    desk.close()


def test_the_longest_bar_is_the_whole_width(folder: Path) -> None:
    desk = opened(folder, CLICKS)
    send_id = mailed(desk.database, n=8)
    told = [delivered(desk.database, send_id, reader) for reader in range(8)]
    for reader in range(6):
        told.append(event(desk.database, send_id, EventKind.CLICKED, reader, 900, link=ONE))
    told.append(event(desk.database, send_id, EventKind.CLICKED, 6, 900, link=ONE, machine=True))
    told.append(event(desk.database, send_id, EventKind.CLICKED, 7, 900, link=ONE, machine=True))
    for reader in (0, 1, 2, 3):
        told.append(event(desk.database, send_id, EventKind.CLICKED, reader, 1900, link=TWO))
    read(desk.database, told)
    page = figures_page.page(desk, figures.compute(desk, ISSUE))
    bars = re.findall(r'class="(first|machine)" x="([\d.]+)" y="1" width="([\d.]+)"', page)
    assert bars == [
        ("first", "0", "75.00"), ("machine", "75.00", "25.00"),
        ("first", "0", "50.00"), ("machine", "50.00", "0.00"),
    ]  # fmt: skip
    desk.close()


def test_the_icon_has_the_first_letter_of_the_newsletter(folder: Path) -> None:
    desk = opened(folder)
    icon = visit(desk, "/icon.svg")
    assert icon.headers["content-type"].startswith("image/svg+xml")
    assert re.findall(r">\s*([^<\s]+)\s*</text>", icon.text) == ["N"]
    desk.close()
