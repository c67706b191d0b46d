"""Sign-ups with a clock that the test sets: who is subscribed by them, and who is forgotten."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from newsletter import check
from newsletter.app import open_desk
from newsletter.app.clock.tick import tick
from newsletter.app.feedback import provider_events
from newsletter.app.readers import lists, reader_links, sign_up
from newsletter.app.readers.reader_links import KeyState
from newsletter.model import Event, EventKind, Issue, IssueName, Rendered, Status
from newsletter.render import template_settings
from newsletter.store import Database, signups
from newsletter.store.subscribers import Subscribers
from newsletter.store.subscription_status import ACTIVE, PENDING, UNSUBSCRIBED
from tests.clocked_newsroom import Office
from tests.e2e.approval_pages import newest, parsed, part
from tests.ledgers import NOW
from tests.newsroom import Newsroom
from tests.signups import LINK, NETWORK, answered, at_once, key, rows, status
from tests.unit.test_alert_mail import RULES


def test_who_confirms_is_subscribed_once_and_may_come_back(desk_office: Office) -> None:
    office = desk_office
    assert answered(office, "Ada@Example.com") == ["ada@example.com"]
    assert status(office, "ada@example.com") == PENDING
    where, first = key(office)
    assert where == "confirm"
    assert reader_links.read_confirmation_key(office.desk, first).state is KeyState.OPEN
    assert status(office, "ada@example.com") == PENDING
    assert reader_links.confirm(office.desk, first).state is KeyState.DONE
    assert status(office, "ada@example.com") == ACTIVE
    assert lists.remove(office.desk, "ada@example.com")
    assert reader_links.confirm(office.desk, first).state is KeyState.USED
    assert status(office, "ada@example.com") == UNSUBSCRIBED
    office.now += timedelta(hours=2)
    assert answered(office, "ada@example.com") == ["ada@example.com"]
    assert status(office, "ada@example.com") == UNSUBSCRIBED
    assert reader_links.confirm(office.desk, key(office)[1]).state is KeyState.DONE
    assert status(office, "ada@example.com") == ACTIVE


def test_a_link_to_confirm_works_for_48_hours(desk_office: Office) -> None:
    answered(desk_office, "ada@example.com")
    _, link = key(desk_office)
    desk_office.now += timedelta(hours=48, seconds=1)
    assert reader_links.confirm(desk_office.desk, link).state is KeyState.EXPIRED
    assert status(desk_office, "ada@example.com") == PENDING


def test_an_active_reader_gets_the_way_to_their_preferences(desk_office: Office) -> None:
    assert answered(desk_office, "reader@example.com") == ["reader@example.com"]
    where, own = key(desk_office)
    assert where == "preferences"
    assert isinstance(reader_links.preferences(desk_office.desk, [], own), reader_links.Preferences)


def test_who_is_barred_keeps_their_newsletters_when_they_save_their_name(
    desk_office: Office,
) -> None:
    one = desk_office
    answered(one, "reader@example.com")
    _, own = key(one)
    bounce = Event("e1", EventKind.BOUNCED, 0, one.now, email="reader@example.com")
    one.now += timedelta(seconds=1)
    assert provider_events.store(one.desk, [bounce]).new == 1
    assert reader_links.set_preferences(one.desk, [], own, "Ada", []) is KeyState.DONE
    found = reader_links.preferences(one.desk, [], own)
    assert isinstance(found, reader_links.Preferences)
    assert (found.name, found.suppressed) == ("Ada", True)
    assert status(one, "reader@example.com") == ACTIVE


def test_no_mail_goes_to_who_was_erased_or_is_suppressed(desk_office: Office) -> None:
    rows = "".join(f"{s.word}@example.com,{s.word}\n" for s in Status if s.suppresses)
    path = desk_office.room.write("a.csv", f"email,status\n{rows}erased@example.com,active\n")
    lists.import_file(desk_office.desk, path, skip_bad_lines=False)
    lists.erase(desk_office.desk, "erased@example.com")
    barred = [f"{status}@example.com" for status in ("blocked", "bounced", "complained", "erased")]
    assert answered(desk_office, *barred) == []
    rows = desk_office.desk.database
    with rows.read() as connection:
        assert connection.scalar(text("select count(*) from signups where email > ''")) == 0


def test_who_never_confirms_is_forgotten_and_who_was_imported_is_not(desk_office: Office) -> None:
    path = desk_office.room.write("a.csv", "email,status\nold@example.com,pending\n")
    lists.import_file(desk_office.desk, path, skip_bad_lines=False)
    answered(desk_office, "ada@example.com", "old@example.com")
    answered(desk_office, "bob@example.com")
    reader_links.confirm(desk_office.desk, key(desk_office)[1])
    desk_office.now += timedelta(days=2)
    answered(desk_office, "ada@example.com")
    desk_office.now += timedelta(days=1, seconds=1)
    sign_up.delete_old(desk_office.desk)
    assert status(desk_office, "ada@example.com") == PENDING  # the second link works still
    desk_office.now += timedelta(days=2)
    tick(desk_office.desk)
    found = {each.email: each.status for each in lists.everyone(desk_office.desk)}
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
    assert sign_up.request(desk, "ada@example.com", NETWORK)
    sign_up.answer_all(desk)
    details = {"reason": "550 no such user"}
    bounce = Event("e1", EventKind.BOUNCED, 0, NOW, email="ada@example.com", details=details)
    assert provider_events.store(desk, [bounce]).new == 1
    now += timedelta(days=3, seconds=1)
    sign_up.delete_old(desk)
    assert list(lists.everyone(desk)) == []
    with desk.database.read() as connection:
        assert connection.scalar(text("select count(*) from subscribers")) == 0
        left = connection.execute(text("select kind, subscriber_id, raw from events")).all()
    assert left == [("bounce", None, None)]
    desk.close()


def test_an_address_that_is_erased_waits_for_nothing(database: Database) -> None:
    with database.begin() as connection:
        assert signups.add(connection, "N", "ada@example.com", NETWORK, 20, NOW)
        assert signups.add(connection, "N", "bob@example.com", NETWORK, 20, NOW)
        Subscribers(connection, "weekly").erase("ada@example.com", NOW)
        (left,) = signups.claim(connection, "N", NOW)
        assert left.email == "bob@example.com"
        assert signups.claim(connection, "N", NOW) == []


def test_of_many_who_press_the_button_at_once_one_confirms(
    tmp_path: Path, database_url: str
) -> None:
    room = Newsroom(tmp_path)
    room.configure(f'\n[database]\nurl = "{database_url}"\n')
    desk = open_desk(tmp_path)
    sign_up.request(desk, "ada@example.com", NETWORK)
    sign_up.answer_all(desk)
    match = LINK.search(part(newest(room, "alerts"), "plain"))
    assert match
    link = match[2]
    states = at_once(8, lambda: reader_links.confirm(desk, link).state)
    assert Counter(states) == {KeyState.DONE: 1, KeyState.USED: 7}
    desk.close()


def test_a_link_of_somebody_who_was_erased_since_then_does_nothing(desk_office: Office) -> None:
    answered(desk_office, "ada@example.com")
    lists.erase(desk_office.desk, "ada@example.com")
    assert reader_links.confirm(desk_office.desk, key(desk_office)[1]).state is KeyState.SUPPRESSED
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
    lists.add(desk, "known@example.com", "")
    for address in ("new@example.com", "known@example.com"):
        sign_up.request(desk, address, NETWORK)
    sign_up.answer_all(desk)
    paths = list((tmp_path / "outbox" / "alerts").glob("*.eml"))
    assert len(paths) == 2
    for path in paths:
        mail = parsed(path)
        html, plain = part(mail, "html"), part(mail, "plain")
        shown = re.search('class="preheader"[^>]*>([^<&]+)', html)
        assert shown
        rendered = Rendered(str(mail["Subject"]), shown[1], html, plain, "0" * 64, {})
        issue = Issue(IssueName(date(2025, 7, 7)), rendered.subject, shown[1], "", None, ())
        settings = desk.config
        accepted = dict(template_settings(settings).accepted)
        found = check.run(check.Mail(issue, rendered, settings, accepted))
        assert [f"{f.check}: {f.message} {f.place}" for f in found if f.check in RULES] == []
    desk.close()


def test_the_whole_way_on_each_database(tmp_path: Path, database_url: str) -> None:
    room = Newsroom(tmp_path)
    room.configure(f'\n[database]\nurl = "{database_url}"\n')
    desk = open_desk(tmp_path)
    assert sign_up.request(desk, "ada@example.com", NETWORK)
    tick(desk)
    match = LINK.search(part(newest(room, "alerts"), "plain"))
    assert match
    found = reader_links.confirm(desk, match[2])
    assert found.state is KeyState.DONE
    assert found.reader
    own = reader_links.preferences_key(desk, found.reader)
    assert reader_links.set_preferences(desk, [], own, "Ada", [desk.name]) is KeyState.DONE
    chosen = reader_links.preferences(desk, [], own)
    assert chosen == reader_links.Preferences(
        "Ada", False, (reader_links.NewsletterChoice(desk.name, True),)
    )
    assert reader_links.set_preferences(desk, [], own, "", []) is KeyState.DONE
    assert reader_links.erase(desk, [], own) is KeyState.DONE
    assert reader_links.preferences(desk, [], own) is KeyState.ERASED
    assert list(lists.everyone(desk)) == []
    desk.close()
