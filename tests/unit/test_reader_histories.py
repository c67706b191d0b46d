"""What a reader does, and what is done with them, in one order and in the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from newsletter.app import Desk, open_desk
from newsletter.app.readers import lists, reader_links
from newsletter.errors import NewsletterError
from newsletter.links.keyring import keyring
from newsletter.links.signed_links import Purpose, ReaderClaim, reader_key
from newsletter.model import Event, EventKind, Status
from tests import provider_events
from tests.newsroom import empty_database
from tests.public_pages import visit
from tests.unit.test_shelf import CONFIG

ADA, SAM = "ada@example.com", "sam@example.com"


class House:
    """A newsletter with two readers; everything that is done here is done with Ada alone."""

    def __init__(self, folder: Path) -> None:
        (folder / "newsletter.toml").write_text(CONFIG, encoding="utf-8")
        (folder / "newsletter.db").write_bytes(empty_database())
        self.now = datetime(2025, 7, 7, 14, tzinfo=UTC)
        self.desk: Desk = open_desk(folder, lambda: self.now)
        for address in (ADA, SAM):
            lists.add(self.desk, address, address[:3].title())
        with self.desk.database.read() as connection:
            number = connection.execute(text("select min(id) from subscribers")).scalar_one()
        of = ReaderClaim(int(number), 1)
        self.keys = {p: reader_key(keyring(folder), p, of) for p in Purpose}

    def page(self, purpose: Purpose, **form: str) -> httpx.Response:
        path = f"/{purpose.name.lower()}/{self.keys[purpose]}"
        answer = visit(self.desk, path, "POST", data=form)
        assert answer.status_code != 404
        return answer

    def file(self, state: str) -> None:
        path = self.desk.folder / "readers.csv"
        path.write_text(f"email,status\n{ADA},{state}\n")
        lists.import_file(self.desk, path, skip_bad_lines=True, status=Status.ACTIVE)

    def reported(self, kind: EventKind) -> None:
        told = Event(f"{kind}-{self.now}", kind, 0, self.now, email=ADA)
        assert provider_events.read(self.desk.database, [told], self.now) == (
            self.state() != "gone"
        )

    def add(self, *, again: bool = False) -> None:
        try:
            lists.add(self.desk, ADA, "Ada", again=again)
        except NewsletterError:
            assert not again or self.state() == "gone"

    def remove(self) -> None:
        try:
            lists.remove(self.desk, ADA)
        except NewsletterError:
            assert self.state() != "active"

    def state(self) -> str:
        people = {person.email: person.word for person in lists.everyone(self.desk)}
        assert people[SAM] == "active"
        return people.get(ADA, "gone")


DEEDS: dict[str, Callable[[House], object]] = {
    "leaves": lambda h: h.page(Purpose.UNSUBSCRIBE, act="leave"),
    "one click": lambda h: h.page(Purpose.UNSUBSCRIBE, **{"List-Unsubscribe": "One-Click"}),
    "comes back": lambda h: h.page(Purpose.UNSUBSCRIBE, act="again"),
    "chooses it": lambda h: h.page(Purpose.PREFERENCES, act="save", name="Ada", newsletter="N"),
    "chooses none": lambda h: h.page(Purpose.PREFERENCES, act="save", name="Ada"),
    "asks to erase": lambda h: h.page(Purpose.PREFERENCES, act="erase"),
    "erases": lambda h: h.page(Purpose.PREFERENCES, act="erase for good"),
    "looks": lambda h: visit(h.desk, f"/unsubscribe/{h.keys[Purpose.UNSUBSCRIBE]}"),
    "scanned": lambda h: h.page(Purpose.UNSUBSCRIBE, something="else"),
    "wrong key": lambda h: visit(
        h.desk, f"/unsubscribe/{h.keys[Purpose.PREFERENCES]}", "POST", data={"act": "leave"}
    ),
    "added": lambda h: h.add(),
    "added again": lambda h: h.add(again=True),
    "removed": lambda h: h.remove(),
    "imported": lambda h: h.file("active"),
    "imported as left": lambda h: h.file("unsubscribed"),
    "imported as pending": lambda h: h.file("pending"),
    "imported as bounced": lambda h: h.file("bounced"),
    "bounced": lambda h: h.reported(EventKind.BOUNCED),
    "complained": lambda h: h.reported(EventKind.COMPLAINED),
    "reported to leave": lambda h: h.reported(EventKind.UNSUBSCRIBED),
}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.desk.close()


@pytest.mark.parametrize(
    ("history", "state"),
    [
        ("leaves", "unsubscribed"),
        ("one click", "unsubscribed"),
        ("one click, one click", "unsubscribed"),
        ("leaves, comes back", "active"),
        ("leaves, comes back, leaves", "unsubscribed"),
        ("comes back", "active"),
        ("chooses none", "unsubscribed"),
        ("chooses none, chooses it", "active"),
        ("leaves, chooses it", "active"),
        ("leaves, chooses none", "unsubscribed"),
        ("looks, scanned, wrong key, asks to erase", "active"),
        ("removed, added", "active"),
        ("added, removed", "unsubscribed"),
        ("removed, imported", "unsubscribed"),
        ("imported, removed", "unsubscribed"),
        ("imported as left", "unsubscribed"),
        ("imported as left, imported", "unsubscribed"),
        ("imported, imported as left", "unsubscribed"),
        ("imported as left, comes back", "active"),
        ("imported as left, added", "active"),
        ("imported as pending", "active"),
        ("leaves, imported as pending", "unsubscribed"),
        ("imported as bounced", "bounced"),
        ("imported as bounced, imported", "bounced"),
        ("bounced, comes back", "bounced"),
        ("bounced, chooses it", "bounced"),
        ("bounced, imported", "bounced"),
        ("bounced, added", "bounced"),
        ("bounced, added again", "active"),
        ("bounced, leaves", "bounced"),
        ("bounced, leaves, added again", "active"),
        ("leaves, bounced", "bounced"),
        ("complained, leaves, comes back", "complained"),
        ("leaves, complained", "complained"),
        ("complained, bounced", "complained"),
        ("bounced, complained", "complained"),
        ("complained, added again, bounced", "bounced"),
        ("reported to leave, comes back", "active"),
        ("reported to leave, imported", "unsubscribed"),
        ("erases", "gone"),
        ("erases, added", "gone"),
        ("erases, added again", "gone"),
        ("erases, imported", "gone"),
        ("erases, comes back", "gone"),
        ("erases, chooses it", "gone"),
        ("erases, bounced", "gone"),
        ("bounced, erases, added again", "gone"),
        ("leaves, erases, imported", "gone"),
    ],
)
def test_what_becomes_of_a_reader(house: House, history: str, state: str) -> None:
    for deed in history.split(", "):
        house.now += timedelta(hours=1)
        DEEDS[deed](house)
    assert house.state() == state
    assert len(list(lists.everyone(house.desk))) == (1 if state == "gone" else 2)


def test_each_newsletter_of_a_database_is_chosen_and_left_by_itself(house: House) -> None:
    """The second one has its own list, which nobody was ever on."""
    folder = house.desk.folder / "daily"
    folder.mkdir()
    shared = f'[database]\nurl = "sqlite:///{house.desk.folder}/newsletter.db"\n'
    config = CONFIG.replace('name = "N"', 'name = "Daily"\nlist = "daily"').replace(
        "letters", "daily"
    )
    (folder / "newsletter.toml").write_text(config + shared, encoding="utf-8")
    daily, key = open_desk(folder, lambda: house.now), house.keys[Purpose.PREFERENCES]

    def chosen() -> list[str]:
        found = reader_links.preferences(house.desk, [daily], key)
        assert isinstance(found, reader_links.Preferences)
        assert [choice.newsletter for choice in found.choices] == ["N", "Daily"]
        return [choice.newsletter for choice in found.choices if choice.subscribed]

    assert chosen() == ["N"]
    for wish in (["N", "Daily"], ["Daily"], [], ["Daily"], ["N"]):
        reader_links.set_preferences(house.desk, [daily], key, "Ada", wish)
        assert chosen() == wish
        assert (house.state() == "active") == ("N" in wish)
        on_daily = {p.email: p.word for p in lists.everyone(daily)}
        assert (on_daily.get(ADA) == "active") == ("Daily" in wish)
        assert SAM not in on_daily
    house.page(Purpose.UNSUBSCRIBE, act="leave")
    assert chosen() == []
    reader_links.set_preferences(house.desk, [daily], key, "Ada", ["N", "Daily"])
    house.page(Purpose.UNSUBSCRIBE, act="leave")
    assert chosen() == ["Daily"]
    reader_links.erase(house.desk, [daily], key)
    assert list(lists.everyone(daily)) == []
    daily.close()


@pytest.mark.parametrize("reply_to", [None, "The Desk <desk@example.com>"])
def test_pages_name_the_address_to_write_to(tmp_path: Path, reply_to: str | None) -> None:
    line = f'reply_to = "{reply_to}"\n' if reply_to else ""
    text = CONFIG.replace("[[sources]]", f"{line}[[sources]]", 1)
    (tmp_path / "newsletter.toml").write_text(text, encoding="utf-8")
    desk = open_desk(tmp_path)
    contact, other = ("desk", "n") if reply_to else ("n", "desk")
    for path in ("/subscribe", "/unsubscribe/none", "/preferences/none", "/confirm/none"):
        page = visit(desk, path).text
        assert f"{contact}@example.com" in page, path
        assert f">{other}@example.com" not in page, path
    desk.close()
