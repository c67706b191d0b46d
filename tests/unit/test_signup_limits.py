"""How many mails sign-ups bring, and what becomes of those that cannot go out."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import text

from newsletter.app.clock.tick import tick
from newsletter.app.readers import lists, reader_links, sign_up
from newsletter.app.readers.reader_links import KeyState
from newsletter.store import Database, signups, subscription_status
from newsletter.store.address_keys import address_keys
from newsletter.store.subscribers import Subscribers
from newsletter.store.subscription_status import PENDING
from tests.clocked_newsroom import Office, Offices
from tests.e2e.servers import mail_server
from tests.ledgers import NOW
from tests.signups import NETWORK, answered, ask, at_once, key, mails, to


def test_an_address_gets_one_mail_an_hour_and_three_a_day(desk_office: Office) -> None:
    got = []
    for _ in range(25):
        got.append(len(answered(desk_office, "ada@example.com", "ADA@example.com")))
        desk_office.now += timedelta(minutes=59)
    assert sum(got[:24]) == 3
    assert got[:5] == [1, 0, 1, 0, 1]


def test_dots_and_tags_bring_one_mailbox_no_further_mails(desk_office: Office) -> None:
    same = ["ada@example.com", "ada+1@example.com", "a.da+2@example.com", "+a@example.com"]
    assert answered(desk_office, *same) == ["+a@example.com", "ada@example.com"]
    assert answered(desk_office, "ada@example.test") == ["ada@example.test"]
    assert ask(desk_office, "ada+1@example.com")
    lists.erase(desk_office.desk, "ada@example.com")
    desk_office.now += timedelta(hours=2)
    assert answered(desk_office) == ["ada+1@example.com"]  # that may be somebody else


def test_a_network_signs_up_so_many_in_an_hour(desk_office: Office) -> None:
    for number in range(20):
        assert ask(desk_office, f"r{number}@example.com")
    assert not ask(desk_office, "more@example.com")
    assert ask(desk_office, "more@example.com", "198.51.100.0/24")
    desk_office.now += timedelta(hours=1, seconds=1)
    assert ask(desk_office, "more@example.com")


def test_mails_beyond_the_limit_wait_and_the_editor_hears_of_it_once(office: Offices) -> None:
    one = office("[public]\nsignups_per_hour = 3\nsignups_per_network = 100")
    assert len(answered(one, *(f"r{number}@example.com" for number in range(5)))) == 3
    assert answered(one) == []
    one.tick()
    told = list((one.room.folder / "outbox" / "alerts").glob("*signups*"))
    assert len(told) == 1
    assert "signups_per_hour" in told[0].read_bytes().decode()
    one.now += timedelta(hours=1, minutes=1)
    assert answered(one) == ["r3@example.com", "r4@example.com"]
    one.tick()
    assert len(list((one.room.folder / "outbox" / "alerts").glob("*signups*"))) == 1


def test_what_a_crash_has_left_goes_out_at_the_next_look(desk_office: Office) -> None:
    assert ask(desk_office, "ada@example.com")
    with desk_office.desk.database.begin() as connection:
        assert len(signups.claim(connection, desk_office.desk.name, desk_office.now)) == 1
    assert answered(desk_office) == []  # it may still be in somebody's hands
    desk_office.now += timedelta(minutes=6)
    tick(desk_office.desk)
    assert [to(path) for path in mails(desk_office)] == ["ada@example.com"]


def test_a_mail_that_is_not_taken_is_tried_again_and_no_log_names_the_reader(
    desk_office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    place = desk_office.room.folder / "outbox"
    place.write_text("this is no folder")
    assert ask(desk_office, "ada@example.com")
    sign_up.answer_all(desk_office.desk)
    assert "will be retried" in caplog.text
    assert "ada" not in caplog.text
    place.unlink()
    assert answered(desk_office) == []
    desk_office.now += timedelta(minutes=1)
    assert answered(desk_office) == ["ada@example.com"]


def test_a_link_that_was_mailed_late_works_its_48_hours(desk_office: Office) -> None:
    place = desk_office.room.folder / "outbox"
    place.write_text("this is no folder")
    assert ask(desk_office, "ada@example.com")
    for _ in range(40):
        sign_up.answer_all(desk_office.desk)
        desk_office.now += timedelta(hours=1)
    place.unlink()
    desk_office.now += timedelta(hours=1)
    assert answered(desk_office) == ["ada@example.com"]
    desk_office.now += timedelta(hours=47)
    sign_up.delete_old(desk_office.desk)
    assert reader_links.confirm(desk_office.desk, key(desk_office)[1]).state is KeyState.DONE


def test_the_log_says_that_a_key_is_missing_without_which_nobody_is_mailed(
    office: Offices, caplog: pytest.LogCaptureFixture
) -> None:
    one = office('[provider]\ntype = "sendgrid"')
    assert ask(one, "ada@example.com")
    sign_up.answer_all(one.desk)
    assert "SENDGRID_API_KEY is not set" in caplog.text
    assert "ada" not in caplog.text


def test_a_mail_of_which_no_answer_comes_is_repeated_no_more_than_an_address_may_get(
    office: Offices,
) -> None:
    with mail_server() as server:
        one = office(
            f'[provider]\ntype = "smtp"\nhost = "127.0.0.1"\nport = {server.port}\n'
            'security = "none"'
        )
        server.script[("DATA", "ada@example.com")] = "drop"  # it is taken, and nobody says so
        assert ask(one, "ada@example.com")
        for _ in range(50):
            sign_up.answer_all(one.desk)
            one.now += timedelta(hours=1)
        assert [mail.recipient for mail in server.mails] == ["ada@example.com"] * 3


def test_on_each_database_a_signup_is_counted_mailed_and_forgotten(database: Database) -> None:
    with database.begin() as connection:
        for _ in range(2):
            assert signups.add(connection, "N", "ada@example.com", NETWORK, 2, NOW)
        assert not signups.add(connection, "N", "ada@example.com", NETWORK, 2, NOW)
        assert signups.has_due(connection, "N", NOW)
        assert not signups.has_due(connection, "Other", NOW)
        first, second = signups.claim(connection, "N", NOW)
    with database.begin() as connection:
        signups.lock(connection, "N")
        people_ = Subscribers(connection, "weekly")
        people_.add("ada@example.com", "", PENDING, NOW, revive=False)
        found = subscription_status.find_by_address(connection, "ada@example.com", "weekly")
        assert found
        signups.mark_mailed(connection, first, people_.list_id, found.reader, NOW, new=True)
        assert signups.count_mails_to(connection, "N", second, NOW - signups.HOUR) == 1
        assert signups.count_mails_to(connection, "N", first, NOW - signups.HOUR) == 0
        assert signups.count_mails(connection, "N", NOW - signups.HOUR) == 1
        signups.mark_answered(connection, first)
        signups.postpone(connection, second, NOW + signups.LEASE)
    with database.begin() as connection:
        assert signups.claim(connection, "N", NOW) == []
        assert signups.delete_expired(connection, "N", NOW + timedelta(days=2)) == 0
        assert signups.has_expired(connection, "N", NOW + timedelta(days=3))
        assert signups.delete_expired(connection, "N", NOW + timedelta(days=3)) == 1
        assert subscription_status.find_by_address(connection, "ada@example.com", "weekly") is None
        assert connection.scalar(text("select count(*) from subscribers")) == 0
        assert not signups.has_expired(connection, "N", NOW + timedelta(days=3))


def test_a_network_that_asks_many_times_at_once_gets_no_more(database: Database) -> None:
    with database.begin() as connection:
        address_keys(connection)

    def asks() -> bool:
        with database.begin() as connection:
            return signups.add(connection, "N", "ada@example.com", NETWORK, 2, NOW)

    assert Counter(at_once(8, asks)) == {True: 2, False: 6}
