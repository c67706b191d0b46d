"""Many people put on a list at once, in a real database."""

from __future__ import annotations

import hmac
import threading
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.model import Status
from newsletter.store import Database, open_database
from newsletter.store.address_keys import AddressKeys
from newsletter.store.subscriber_import import MergeResult, StagedImport
from newsletter.store.subscribers import Subscribers
from newsletter.store.subscription_status import ACTIVE
from tests.newsroom import empty_database
from tests.patient import PATIENCE

NOW = datetime(2025, 7, 7, 14, tzinfo=UTC)
S = Status
Entry = tuple[str, str, Status]


def put(database: Database, *entries: Entry, list_name: str = "weekly") -> MergeResult:
    with database.begin() as connection:
        people = Subscribers(connection, list_name)
    with (
        database.write_last() as connection,
        StagedImport(connection, people.keys, people.list_id) as aside,
    ):
        lines = enumerate(entries, 2)
        aside.stage((n, email, name, status) for n, (email, name, status) in lines)
        return aside.merge(NOW)


def shown(database: Database, list_name: str = "weekly") -> list[tuple[str, str, str]]:
    with database.begin() as connection:
        return [(p.email, p.name, p.word) for p in Subscribers(connection, list_name).everyone()]


def test_everybody_comes_with_their_state(database: Database) -> None:
    done = put(database, *((f"{s.word}@example.com", s.word.title(), s) for s in Status))
    assert (done.people, done.new, done.repeated, done.kept_out) == (6, 6, 0, 0)
    assert done.statuses == dict.fromkeys(Status, 1)
    assert {(email.partition("@")[0], word) for email, _, word in shown(database)} == {
        (s.word, s.word) for s in Status
    }
    with database.begin() as connection:
        found = {p.email: p for p in Subscribers(connection, "weekly").everyone()}
    assert found["bounced@example.com"].suppressed == "bounced"
    assert found["bounced@example.com"].status == "unsubscribed"
    assert found["pending@example.com"].suppressed is None


def test_the_same_file_again_changes_nothing(database: Database) -> None:
    entries = [("a@example.com", "A", S.ACTIVE), ("b@example.com", "", S.BOUNCED)]
    put(database, *entries)
    before = shown(database)
    done = put(database, *entries)
    assert (done.people, done.new) == (2, 0)
    assert shown(database) == before


def test_lines_with_one_address_are_one_person(database: Database) -> None:
    done = put(
        database,
        ("a@example.com", "First", S.ACTIVE),
        ("b@example.com", "", S.ACTIVE),
        ("a@example.com", "Last", S.ACTIVE),
        ("a@example.com", "", S.ACTIVE),
        ("b@example.com", "B", S.UNSUBSCRIBED),
        ("b@example.com", "B", S.PENDING),
    )
    assert (done.people, done.repeated) == (2, 4)
    assert shown(database) == [
        ("a@example.com", "Last", "active"),
        ("b@example.com", "B", "unsubscribed"),
    ]


@pytest.mark.parametrize(
    ("held", "comes", "is_now"),
    [
        (S.ACTIVE, S.UNSUBSCRIBED, "unsubscribed"),
        (S.ACTIVE, S.BOUNCED, "bounced"),
        (S.ACTIVE, S.PENDING, "active"),  # confirmed here, whatever was elsewhere
        (S.PENDING, S.ACTIVE, "active"),  # confirmed elsewhere since
        (S.PENDING, S.UNSUBSCRIBED, "unsubscribed"),
        (S.UNSUBSCRIBED, S.ACTIVE, "unsubscribed"),
        (S.UNSUBSCRIBED, S.PENDING, "unsubscribed"),
        (S.UNSUBSCRIBED, S.BOUNCED, "bounced"),
        (S.BOUNCED, S.ACTIVE, "bounced"),
        (S.COMPLAINED, S.UNSUBSCRIBED, "complained"),
    ],
)
def test_what_an_import_may_change(
    database: Database, held: Status, comes: Status, is_now: str
) -> None:
    put(database, ("a@example.com", "A", held))
    done = put(database, ("a@example.com", "", comes))
    assert shown(database) == [("a@example.com", "A", is_now)]
    assert done.kept_out == (comes is S.ACTIVE and is_now != "active")


def test_nobody_who_was_erased_comes_back(database: Database) -> None:
    put(database, ("a@example.com", "A", S.ACTIVE))
    with database.begin() as connection:
        assert Subscribers(connection, "weekly").erase("a@example.com", NOW)
        assert not Subscribers(connection, "weekly").erase("a@example.com", NOW)
    done = put(
        database,
        ("b@example.com", "B", S.ACTIVE),
        ("a@example.com", "A", S.ACTIVE),
        ("a@example.com", "A", S.BOUNCED),  # and does not take the place of the erasure
    )
    assert done.erased == [(3, "a@example.com"), (4, "a@example.com")]
    assert (done.people, done.repeated) == (1, 0)
    put(database, ("a@example.com", "A", S.ACTIVE))
    assert shown(database) == [("b@example.com", "B", "active")]


def test_a_suppressed_address_is_so_on_every_list(database: Database) -> None:
    put(database, ("a@example.com", "A", S.BOUNCED))
    done = put(database, ("a@example.com", "A", S.ACTIVE), list_name="daily")
    assert done.kept_out == 1
    assert shown(database, "daily") == [("a@example.com", "A", "bounced")]
    with database.begin() as connection:
        people = Subscribers(connection, "daily")
        people.lift_suppression("a@example.com")
        people.add("a@example.com", "", ACTIVE, NOW, revive=True)
    assert shown(database, "daily") == [("a@example.com", "A", "active")]
    assert shown(database) == [("a@example.com", "A", "unsubscribed")]


def test_an_import_that_fails_leaves_nothing_behind(database: Database) -> None:
    entries: list[Entry] = [("a@example.com", "A", S.ACTIVE)]
    with database.begin() as connection:
        people = Subscribers(connection, "weekly")

    def fail() -> None:
        with (
            database.write_last() as connection,
            StagedImport(connection, people.keys, people.list_id) as aside,
        ):
            aside.stage((2, *entry) for entry in entries)
            aside.merge(NOW)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert shown(database) == []
    assert put(database, *entries).new == 1


def test_others_may_write_while_people_are_set_aside(database: Database) -> None:
    with database.begin() as connection:
        people = Subscribers(connection, "weekly")
    with (
        database.write_last() as connection,
        StagedImport(connection, people.keys, people.list_id) as aside,
    ):
        aside.stage([(2, "a@example.com", "A", S.ACTIVE)])
        other = threading.Thread(target=add, args=(database, "b@example.com"))
        other.start()
        other.join(PATIENCE)
        assert not other.is_alive()
        aside.stage([(3, "c@example.com", "C", S.ACTIVE)])
        aside.merge(NOW)
    assert [email[0] for email, *_ in shown(database)] == ["a", "b", "c"]


def add(database: Database, email: str) -> None:
    with database.begin() as connection:
        Subscribers(connection, "weekly").add(email, "", ACTIVE, NOW, revive=False)


def test_two_imports_at_once_wait_for_each_other(database: Database) -> None:
    entries = [(f"r{n}@example.com", "", S.ACTIVE) for n in range(500)]
    threads = [
        threading.Thread(target=put, args=(database, *entries[start:])) for start in (0, 100, 200)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(shown(database)) == 500


EMAILS = st.sampled_from([f"{letter}@example.com" for letter in "abc"])
ENTRIES = st.lists(st.tuples(EMAILS, st.just(""), st.sampled_from(Status)), max_size=6)


@given(st.lists(ENTRIES, max_size=3), EMAILS)
@settings(max_examples=40, deadline=None)
def test_whatever_is_imported_nobody_is_mailed_who_should_not_be(
    tmp_path_factory: pytest.TempPathFactory, files: Sequence[Sequence[Entry]], erased: str
) -> None:
    folder = tmp_path_factory.mktemp("imports")
    (folder / "a.db").write_bytes(empty_database())
    database = open_database("sqlite:///a.db", folder)
    try:
        barred = {erased}
        with database.begin() as connection:
            Subscribers(connection, "weekly").erase(erased, NOW)
        for entries in files:
            put(database, *entries)
            barred |= {email for email, _, status in entries if status >= S.UNSUBSCRIBED}
            active = {email for email, _, word in shown(database) if word == "active"}
            assert not active & barred
        wanted = {email for entries in files for email, _, status in entries if status == S.ACTIVE}
        pending = {
            email for entries in files for email, _, status in entries if status == S.PENDING
        }
        assert wanted - barred - pending <= {
            e for e, _, word in shown(database) if word == "active"
        }
    finally:
        database.close()


@given(st.binary(min_size=1, max_size=200), st.emails())
@settings(deadline=None)
def test_an_address_key_is_an_hmac(salt: bytes, email: str) -> None:
    assert (
        AddressKeys(salt).key(email) == hmac.new(salt, email.lower().encode(), "sha256").hexdigest()
    )
