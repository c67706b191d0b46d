"""Whatever is made for many readers at once is, for each of them, what is made for them alone."""

from __future__ import annotations

import re
from datetime import timedelta
from email.message import EmailMessage
from html import unescape

import pytest

from newsletter.app.readers import lists
from newsletter.app.recipients import personalizer, sample_tokens
from newsletter.links import tokens
from newsletter.links.keyring import Keyring
from newsletter.links.signed_links import Purpose, ReaderClaim, read_reader, reader_keys
from newsletter.store import subscription_status
from newsletter.store.ledger import Addressee
from tests.clocked_newsroom import FRIDAY, ISSUE, MONDAY, Office, Offices
from tests.e2e.approval_pages import parsed, part
from tests.public_pages import visit

NAMES = {
    "ada@example.com": "Ada Lovelace",
    "b@example.com": "",
    "o.hara@example.com": "O'Hara & <Sons>",
    "seo@example.com": "김서연",
    "z@example.com": "Zoë",
}
PROVIDER = '\n[provider]\ntype = "outbox"\nbatch_size = {}\n'


def full(office: Offices, batch_size: int) -> Office:
    week = office(PROVIDER.format(batch_size))
    for address, name in NAMES.items():
        lists.add(week.desk, address, name)
    return week


def status_of(week: Office, address: str) -> str | None:
    with week.desk.database.read() as connection:
        found = subscription_status.find_by_address(connection, address, "weekly")
    return found.status if found else None


def address_of(mail: EmailMessage) -> str:
    return str(mail["To"].addresses[0].addr_spec)


@pytest.mark.parametrize("base_url", ["https://news.example.com", None])
def test_the_personal_parts_of_many_readers_are_those_of_each(
    office: Offices, base_url: str | None
) -> None:
    week = office()
    if base_url is None:
        text = (week.room.folder / "newsletter.toml").read_text()
        week.desk.close()
        week.room.write("newsletter.toml", re.sub(r"base_url = .*\n", "", text))
        week.desk = week.open()
    readers = [
        Addressee(70 + number, 30 + number, address, name)
        for number, (address, name) in enumerate(NAMES.items())
    ]
    recipients = personalizer(week.desk, 3)
    together = recipients(readers)
    assert together == [recipients([reader])[0] for reader in readers]
    assert together == list(reversed(recipients(readers[::-1])))
    assert [(r.delivery, r.email, r.name) for r in together] == [
        (reader.delivery, reader.email, reader.name) for reader in readers
    ]
    assert len({r.unsubscribe_url for r in together}) == (5 if base_url else 1)
    assert recipients([]) == []


@pytest.mark.parametrize("base_url", ["https://news.example.com/letters", None])
def test_the_preview_shows_the_editor_s_greeting_and_links_to_our_own_pages(
    office: Offices, base_url: str | None
) -> None:
    week = office()
    text = (week.room.folder / "newsletter.toml").read_text()
    line = f'base_url = "{base_url}"\n' if base_url else ""
    week.desk.close()
    week.room.write("newsletter.toml", re.sub(r"base_url = .*\n", line, text))
    week.desk = week.open()
    shown = sample_tokens(week.desk)
    assert shown.keys() == tokens.MEANING.keys()
    home = base_url or "https://www.example.com"
    for token in (tokens.UNSUBSCRIBE_HTML, tokens.UNSUBSCRIBE_TEXT):
        assert shown[token].startswith(f"{home}/unsubscribe/")
    for token in (tokens.PREFERENCES_HTML, tokens.PREFERENCES_TEXT):
        assert shown[token].startswith(f"{home}/preferences/")
    assert "Robin Ahn" in shown[tokens.GREETING_HTML]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 500])
def test_the_keys_of_many_readers_each_open_what_is_theirs(count: int) -> None:
    ring = Keyring("3", {"3": b"a-secret-of-the-tests"})
    keys = reader_keys(ring)(range(10, 10 + count), 4)
    assert len(keys) == count
    for number, own in enumerate(keys, 10):
        for purpose in Purpose:
            assert read_reader(ring, purpose, own[purpose]) == ReaderClaim(number, 4)
            assert read_reader(ring, purpose, own[1 - purpose]) is None


def test_every_readers_mail_has_their_own_name_and_working_links(office: Offices) -> None:
    week = full(office, batch_size=2)
    week.tick(FRIDAY)
    week.room.write(f"issues/{ISSUE}/note.md", "A note, which begins with a greeting.\n")
    week.approve()
    lists.remove(week.desk, "reader@example.com")  # who leaves before the send gets nothing
    assert week.tick(MONDAY) == [("send", "2025-07-07", "done")]
    folder = week.room.folder / "outbox" / str(ISSUE)
    mails = {address_of(mail): mail for mail in map(parsed, folder.glob("*.eml"))}
    assert mails.keys() == NAMES.keys()
    week.now = MONDAY + timedelta(hours=1)
    for address, mail in mails.items():
        plain, html = part(mail, "plain"), unescape(part(mail, "html"))
        header = re.findall(r"<(https:[^>]+)>", str(mail["List-Unsubscribe"]))
        links = {
            purpose: set(re.findall(rf"https://news\.example\.com/{purpose}/[\w-]+", plain + html))
            for purpose in ("unsubscribe", "preferences")
        }
        (leave,), (choose,) = links["unsubscribe"], links["preferences"]
        assert header == [leave]
        for text in (plain, html):
            assert leave in text
            assert choose in text
            greeted = [name for name in NAMES.values() if name and name in text]
            assert greeted == ([NAMES[address]] if NAMES[address] else [])
        page = visit(week.desk, choose)
        assert page.status_code == 200
        assert f'value="{NAMES[address]}"' in unescape(page.text)
        others = {each: status_of(week, each) for each in NAMES if each != address}
        done = visit(week.desk, leave, "POST", data={"List-Unsubscribe": "One-Click"})
        assert done.status_code == 200
        assert status_of(week, address) == "unsubscribed"
        assert {each: status_of(week, each) for each in others} == others
