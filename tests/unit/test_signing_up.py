"""Sign-ups with a clock that the test sets: limits, what waits, what is forgotten, and for whom."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from threading import Barrier
from typing import TypeVar

import pytest
from sqlalchemy import text

from newsletter import check
from newsletter.app import open_desk, people, readers, reporting, signing_up
from newsletter.app.readers import State
from newsletter.app.ticking import tick
from newsletter.model import Consequence, Event, Issue, Rendered, Status
from newsletter.render import look
from newsletter.store import Database, signups, standing
from newsletter.store.subscribers import ACTIVE, PENDING, UNSUBSCRIBED, People, address_keys
from tests.e2e.approvals import newest, parsed, part
from tests.e2e.servers import mail_server
from tests.ledgers import NOW
from tests.newsroom import Newsroom
from tests.office import Office, Offices
from tests.unit.test_alert_mail import RULES

LINK = re.compile(r"https://news\.example\.com/(confirm|preferences)/(\S+)")
T = TypeVar("T")
NETWORK = "203.0.113.0/24"


@pytest.fixture
def desk_office(office: Offices) -> Office:
    return office()


def ask(office: Office, address: str, network: str = NETWORK) -> bool:
    return signing_up.ask(office.desk, address, network)


def answered(office: Office, *addresses: str) -> list[str]:
    """Who gets a mail when these have signed up."""
    for address in addresses:
        assert ask(office, address)
    before = mails(office)
    signing_up.answer_all(office.desk)
    return sorted(to(path) for path in mails(office) - before)


def mails(office: Office) -> set[Path]:
    return set((office.room.folder / "outbox" / "alerts").glob("signup-*.eml"))


def to(path: Path) -> str:
    return path.stem.split("-", 3)[3]


def key(office: Office) -> tuple[str, str]:
    """What the newest mail leads to, and the key."""
    match = LINK.search(part(newest(office.room, "alerts"), "plain"))
    assert match
    return match[1], match[2]


def status(office: Office, address: str) -> str | None:
    with office.desk.database.read() as connection:
        found = standing.of_address(connection, address, "weekly")
    return found.status if found else None


def test_who_confirms_is_subscribed_once_and_may_come_back(desk_office: Office) -> None:
    office = desk_office
    assert answered(office, "Ada@Example.com") == ["ada@example.com"]
    assert status(office, "ada@example.com") == PENDING
    where, first = key(office)
    assert where == "confirm"
    assert readers.look_at_confirmation(office.desk, first).state is State.OPEN
    assert status(office, "ada@example.com") == PENDING
    assert readers.confirm(office.desk, first).state is State.DONE
    assert status(office, "ada@example.com") == ACTIVE
    assert people.remove(office.desk, "ada@example.com")
    assert readers.confirm(office.desk, first).state is State.USED
    assert status(office, "ada@example.com") == UNSUBSCRIBED
    office.now += timedelta(hours=2)
    assert answered(office, "ada@example.com") == ["ada@example.com"]
    assert status(office, "ada@example.com") == UNSUBSCRIBED
    assert readers.confirm(office.desk, key(office)[1]).state is State.DONE
    assert status(office, "ada@example.com") == ACTIVE


def test_a_link_to_confirm_works_for_48_hours(desk_office: Office) -> None:
    answered(desk_office, "ada@example.com")
    _, link = key(desk_office)
    desk_office.now += timedelta(hours=48, seconds=1)
    assert readers.confirm(desk_office.desk, link).state is State.EXPIRED
    assert status(desk_office, "ada@example.com") == PENDING


def test_an_active_reader_gets_the_way_to_their_preferences(desk_office: Office) -> None:
    assert answered(desk_office, "reader@example.com") == ["reader@example.com"]
    where, own = key(desk_office)
    assert where == "preferences"
    assert isinstance(readers.preferences(desk_office.desk, [], own), readers.Preferences)


def test_who_is_barred_keeps_their_newsletters_when_they_save_their_name(
    desk_office: Office,
) -> None:
    one = desk_office
    answered(one, "reader@example.com")
    _, own = key(one)
    bounce = Event(
        "e1", "bounce", 0, one.now, {}, email="reader@example.com", consequence=Consequence.BOUNCED
    )
    one.now += timedelta(seconds=1)
    assert reporting.store(one.desk, [bounce]).new == 1
    assert readers.choose(one.desk, [], own, "Ada", []) is State.DONE
    found = readers.preferences(one.desk, [], own)
    assert isinstance(found, readers.Preferences)
    assert (found.name, found.barred) == ("Ada", True)
    assert status(one, "reader@example.com") == ACTIVE


def test_no_mail_goes_to_who_was_erased_or_is_suppressed(desk_office: Office) -> None:
    rows = "".join(f"{s.word}@example.com,{s.word}\n" for s in Status if s.suppresses)
    path = desk_office.room.write("a.csv", f"email,status\n{rows}erased@example.com,active\n")
    people.import_file(desk_office.desk, path, skip_bad_lines=False)
    people.erase(desk_office.desk, "erased@example.com")
    barred = [f"{status}@example.com" for status in ("blocked", "bounced", "complained", "erased")]
    assert answered(desk_office, *barred) == []
    rows = desk_office.desk.database
    with rows.read() as connection:
        assert connection.scalar(text("select count(*) from signups where email > ''")) == 0


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
    people.erase(desk_office.desk, "ada@example.com")
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
    signing_up.answer_all(desk_office.desk)
    assert "is tried again" in caplog.text
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
        signing_up.answer_all(desk_office.desk)
        desk_office.now += timedelta(hours=1)
    place.unlink()
    desk_office.now += timedelta(hours=1)
    assert answered(desk_office) == ["ada@example.com"]
    desk_office.now += timedelta(hours=47)
    signing_up.forget(desk_office.desk)
    assert readers.confirm(desk_office.desk, key(desk_office)[1]).state is State.DONE


def test_the_log_says_that_a_key_is_missing_without_which_nobody_is_mailed(
    office: Offices, caplog: pytest.LogCaptureFixture
) -> None:
    one = office('[provider]\ntype = "sendgrid"')
    assert ask(one, "ada@example.com")
    signing_up.answer_all(one.desk)
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
            signing_up.answer_all(one.desk)
            one.now += timedelta(hours=1)
        assert [mail.recipient for mail in server.mails] == ["ada@example.com"] * 3


def test_who_never_confirms_is_forgotten_and_who_was_imported_is_not(desk_office: Office) -> None:
    path = desk_office.room.write("a.csv", "email,status\nold@example.com,pending\n")
    people.import_file(desk_office.desk, path, skip_bad_lines=False)
    answered(desk_office, "ada@example.com", "old@example.com")
    answered(desk_office, "bob@example.com")
    readers.confirm(desk_office.desk, key(desk_office)[1])
    desk_office.now += timedelta(days=2)
    answered(desk_office, "ada@example.com")
    desk_office.now += timedelta(days=1, seconds=1)
    signing_up.forget(desk_office.desk)
    assert status(desk_office, "ada@example.com") == PENDING  # the second link works still
    desk_office.now += timedelta(days=2)
    tick(desk_office.desk)
    found = {each.email: each.status for each in people.everyone(desk_office.desk)}
    assert found == {
        "reader@example.com": ACTIVE,
        "old@example.com": PENDING,
        "bob@example.com": ACTIVE,
    }
    assert b"ada@example.com" not in rows(desk_office)


def test_who_never_confirms_is_forgotten_also_when_their_mail_was_reported_on(
    tmp_path: Path, database_url: str
) -> None:
    now = NOW
    room = Newsroom(tmp_path)
    room.configure(f'\n[database]\nurl = "{database_url}"\n')
    desk = open_desk(tmp_path, lambda: now)
    assert signing_up.ask(desk, "ada@example.com", NETWORK)
    signing_up.answer_all(desk)
    said = {"reason": "550 no such user"}
    bounce = Event("e1", "bounce", 0, NOW, {}, email="ada@example.com", said=said)
    assert reporting.store(desk, [bounce]).new == 1
    now += timedelta(days=3, seconds=1)
    signing_up.forget(desk)
    assert list(people.everyone(desk)) == []
    with desk.database.read() as connection:
        assert connection.scalar(text("select count(*) from subscribers")) == 0
        left = connection.execute(text("select kind, subscriber_id, raw from events")).all()
    assert left == [("bounce", None, None)]
    desk.close()


def rows(office: Office) -> bytes:
    """Everything that stands in the database's rows."""
    with office.desk.database.read() as connection:
        found = [
            connection.execute(text(f"select * from {table}")).all()
            for table in ("subscribers", "signups")
        ]
    return repr(found).encode()


def test_an_address_that_is_erased_waits_for_nothing(database: Database) -> None:
    with database.begin() as connection:
        assert signups.ask(connection, "N", "ada@example.com", NETWORK, 20, NOW)
        assert signups.ask(connection, "N", "bob@example.com", NETWORK, 20, NOW)
        People(connection, "weekly").erase("ada@example.com", NOW)
        (left,) = signups.claim(connection, "N", NOW)
        assert left.email == "bob@example.com"
        assert signups.claim(connection, "N", NOW) == []


def test_on_each_database_a_signup_is_counted_mailed_and_forgotten(database: Database) -> None:
    with database.begin() as connection:
        for _ in range(2):
            assert signups.ask(connection, "N", "ada@example.com", NETWORK, 2, NOW)
        assert not signups.ask(connection, "N", "ada@example.com", NETWORK, 2, NOW)
        assert signups.waiting(connection, "N", NOW)
        assert not signups.waiting(connection, "Other", NOW)
        first, second = signups.claim(connection, "N", NOW)
    with database.begin() as connection:
        signups.take_turns(connection, "N")
        people_ = People(connection, "weekly")
        people_.add("ada@example.com", "", PENDING, NOW, revive=False)
        found = standing.of_address(connection, "ada@example.com", "weekly")
        assert found
        signups.mailing(connection, first, people_.list_id, found.reader, NOW, new=True)
        assert signups.mails_to(connection, "N", second, NOW - signups.HOUR) == 1
        assert signups.mails_to(connection, "N", first, NOW - signups.HOUR) == 0
        assert signups.mails(connection, "N", NOW - signups.HOUR) == 1
        signups.done(connection, first)
        signups.later(connection, second, NOW + signups.LEASE)
    with database.begin() as connection:
        assert signups.claim(connection, "N", NOW) == []
        assert signups.forget(connection, "N", NOW + timedelta(days=2)) == 0
        assert signups.any_old(connection, "N", NOW + timedelta(days=3))
        assert signups.forget(connection, "N", NOW + timedelta(days=3)) == 1
        assert standing.of_address(connection, "ada@example.com", "weekly") is None
        assert connection.scalar(text("select count(*) from subscribers")) == 0
        assert not signups.any_old(connection, "N", NOW + timedelta(days=3))


def at_once(times: int, work: Callable[[], T]) -> list[T]:
    """What so many threads are given who do it at one moment."""
    gate = Barrier(times)

    def one(_: int) -> T:
        gate.wait()
        return work()

    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(one, range(times)))


def test_a_network_that_asks_many_times_at_once_gets_no_more(database: Database) -> None:
    with database.begin() as connection:
        address_keys(connection)

    def asks() -> bool:
        with database.begin() as connection:
            return signups.ask(connection, "N", "ada@example.com", NETWORK, 2, NOW)

    assert Counter(at_once(8, asks)) == {True: 2, False: 6}


def test_of_many_who_press_the_button_at_once_one_confirms(
    tmp_path: Path, database_url: str
) -> None:
    room = Newsroom(tmp_path)
    room.configure(f'\n[database]\nurl = "{database_url}"\n')
    desk = open_desk(tmp_path)
    signing_up.ask(desk, "ada@example.com", NETWORK)
    signing_up.answer_all(desk)
    match = LINK.search(part(newest(room, "alerts"), "plain"))
    assert match
    link = match[2]
    states = at_once(8, lambda: readers.confirm(desk, link).state)
    assert Counter(states) == {State.DONE: 1, State.USED: 7}
    desk.close()


def test_a_link_of_somebody_who_was_erased_since_then_does_nothing(desk_office: Office) -> None:
    answered(desk_office, "ada@example.com")
    people.erase(desk_office.desk, "ada@example.com")
    assert readers.confirm(desk_office.desk, key(desk_office)[1]).state is State.BARRED
    assert b"ada@" not in rows(desk_office)


@pytest.mark.parametrize("accent", ["#9b1c2e", "#ffe600"])
@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_rules_for_mails_hold_for_those_to_readers(
    tmp_path: Path, language: str, accent: str
) -> None:
    room = Newsroom(tmp_path)
    room.configure(
        **{'reply_to = "': f'language = "{language}"\naccent = "{accent}"\nreply_to = "'}
    )
    desk = open_desk(tmp_path)
    people.add(desk, "known@example.com", "")
    for address in ("new@example.com", "known@example.com"):
        signing_up.ask(desk, address, NETWORK)
    signing_up.answer_all(desk)
    paths = list((tmp_path / "outbox" / "alerts").glob("*.eml"))
    assert len(paths) == 2
    for path in paths:
        mail = parsed(path)
        html, plain = part(mail, "html"), part(mail, "plain")
        shown = re.search('class="preheader"[^>]*>([^<&]+)', html)
        assert shown
        rendered = Rendered(str(mail["Subject"]), shown[1], html, plain, "0" * 64, {})
        issue = Issue(date(2025, 7, 7), rendered.subject, shown[1], "", None, ())
        settings = desk.config
        found = check.run(check.Mail(issue, rendered, settings, dict(look(settings).accepted)))
        assert [f"{f.check}: {f.message} {f.place}" for f in found if f.check in RULES] == []
    desk.close()


def test_the_whole_way_on_each_database(tmp_path: Path, database_url: str) -> None:
    room = Newsroom(tmp_path)
    room.configure(f'\n[database]\nurl = "{database_url}"\n')
    desk = open_desk(tmp_path)
    assert signing_up.ask(desk, "ada@example.com", NETWORK)
    tick(desk)
    match = LINK.search(part(newest(room, "alerts"), "plain"))
    assert match
    found = readers.confirm(desk, match[2])
    assert found.state is State.DONE
    assert found.reader
    own = readers.preferences_key(desk, found.reader)
    assert readers.choose(desk, [], own, "Ada", [desk.name]) is State.DONE
    chosen = readers.preferences(desk, [], own)
    assert chosen == readers.Preferences("Ada", False, (readers.Choice(desk.name, True),))
    assert readers.choose(desk, [], own, "", []) is State.DONE
    assert readers.erase(desk, [], own) is State.DONE
    assert readers.preferences(desk, [], own) is State.GONE
    assert list(people.everyone(desk)) == []
    desk.close()
