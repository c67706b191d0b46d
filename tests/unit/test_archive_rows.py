"""The archive in both databases: what may be read, what is found, and who hears of a correction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, text

from newsletter.app import open_desk
from newsletter.app.archive import past_issues as public
from newsletter.model import Answer, Change, IssueName, IssueText, Rendered, StoryText
from newsletter.model.archive import ChangeKind
from newsletter.store import (
    Connection,
    Database,
    archive,
    corrections,
    mailable,
    pause_cancel,
    sends,
)
from newsletter.store.migrate import MIGRATIONS
from newsletter.store.subscribers import Subscribers
from newsletter.store.subscription_status import ACTIVE
from newsletter.text import search_terms
from tests.ledgers import NOW, answers, freeze, record, started

MAIL = Rendered("Subject", "", "<p>html</p>", "text", "a" * 64, {})
SAID = IssueText(
    "Subject",  # as in the ledgers of the tests
    "Night market returns; also: the fire watch",
    "A note about 서울 중앙시장에서 만난 상인.",
    "https://news.example.com/p.jpg",
    (StoryText("Teachers’ strikes", "They voted at the café.", "https://www.example.com/1"),),
)


def pause(connection: Connection, send_id: int, now: datetime) -> None:
    pause_cancel.pause(connection, send_id, "the key was refused", now)


def put(connection: Connection, issue: str, said: IssueText = SAID, language: str = "en") -> int:
    """A send of the newsletter N to nobody, and what it says."""
    name = IssueName.parse(issue)
    sends.freeze(
        connection, MAIL, newsletter="N", issue=name, list_name="weekly", sender="n@example.com",
        reply_to=None, articles=[], provider="outbox", batch_size=2, send_at=None, now=NOW,
    )  # fmt: skip
    found = sends.find(connection, "N", name)
    assert found
    archive.save_text(connection, found.send.id, said, language)
    return found.send.id


def listed(database: Database, now: datetime = NOW) -> list[str]:
    with database.read() as connection:
        return [str(each.issue) for each in archive.published(connection, "N", now)]


def test_an_issue_can_be_read_since_its_mails_may_go(database: Database) -> None:
    later = NOW + timedelta(minutes=10)
    send = freeze(database, 2, send_at=later)
    with database.begin() as connection:
        archive.save_text(connection, send.send.id, SAID, "en")
        put(connection, "2025-06-30")
        archive.save_text(connection, send.send.id, IssueText("Another process was quicker"), "en")
        before = archive.version(connection, "N", NOW)
    assert listed(database) == ["2025-06-30"]
    assert listed(database, later) == ["2025-07-07", "2025-06-30"]
    with database.read() as connection:
        assert archive.version(connection, "N", later) != before
        assert archive.published(connection, "Another", later) == []


@pytest.mark.parametrize("how", [pause_cancel.cancel, pause])
def test_an_issue_that_was_stopped_is_there_if_anybody_has_it(
    database: Database, how: Callable[[Connection, int, datetime], object]
) -> None:
    nobodys, somebodys = freeze(database, 2), freeze(database, 2, name="M")
    claim = started(database, somebodys)
    record(database, claim, answers(claim, Answer.ACCEPTED, Answer.REJECTED))
    for send in (nobodys, somebodys):
        with database.begin() as connection:
            archive.save_text(connection, send.send.id, SAID, "en")
            how(connection, send.send.id, NOW)
    with database.read() as connection:
        assert archive.published(connection, "N", NOW) == []
        assert [each.text for each in archive.published(connection, "M", NOW)] == [SAID]


ASKED = [
    ("market", True),
    ("MARK", True),  # a beginning
    ("cafe", True),
    ("teachers vote", True),
    ("teachers slept", False),
    ("중앙시장", True),
    ("시장", True),  # within a word, before a particle
    ("장", True),
    ("시장에는", False),
    ('"market" OR (nothing)', False),  # no operators: each is a word that must be there
    ("market*", True),
    ("NEAR(", False),
    ("'; DROP TABLE sends; --", False),
    ("words:market", False),
    ("\\ % _ \0 ' \" ( ) : * ^ - + ~ & | ! < >", False),
    ("a" * 5000, False),
]


@pytest.mark.parametrize("language", ["en", "ko"])
def test_any_text_is_plain_words(database: Database, language: str) -> None:
    with database.begin() as connection:
        number = put(connection, "2025-06-30", language=language)
        put(connection, "2025-06-23", IssueText("Another one"), language)
        for asked, found in ASKED:
            hits = archive.search(connection, "N", search_terms.phrases(asked), NOW)
            assert hits == ([number] if found else []), asked
            assert archive.search(connection, "M", search_terms.phrases(asked), NOW) == []


def test_the_rules_of_a_language_find_other_forms(database: Database) -> None:
    with database.begin() as connection:
        number = put(connection, "2025-06-30")
        for asked in ("strike", "striking", "strikes"):
            assert archive.search(connection, "N", search_terms.phrases(asked), NOW) == [number]


def test_a_correction_is_a_row_of_its_own_and_is_found(database: Database) -> None:
    change = Change(ChangeKind.WORDS, "market", "bazaar")
    with database.begin() as connection:
        number = put(connection, "2025-06-30")
        before = archive.version(connection, "N", NOW)
        corrections.add(connection, number, [], NOW, note="First.", mailed=False)
        made = corrections.add(connection, number, [change], NOW, note="Second.", mailed=True)
        assert made.number == 2
        archive.update_search_text(connection, number, IssueText("Night bazaar"))
        assert archive.version(connection, "N", NOW) != before
        assert archive.search(connection, "N", search_terms.phrases("bazaar"), NOW) == [number]
        assert archive.search(connection, "N", search_terms.phrases("market"), NOW) == []
        (issue,) = archive.published(connection, "N", NOW)
    assert issue.text == SAID
    assert [each.note for each in issue.corrections] == ["First.", "Second."]
    assert issue.changes == (change,)


def test_a_correction_goes_to_those_who_got_it_and_may_be_mailed(database: Database) -> None:
    send = freeze(database, 5, batch_size=5)
    claim = started(database, send)
    given = (Answer.ACCEPTED, Answer.ACCEPTED, Answer.ACCEPTED, Answer.REJECTED, Answer.UNKNOWN)
    record(database, claim, answers(claim, *given))
    with database.begin() as connection:
        people = Subscribers(connection, "weekly")
        people.add("new@example.com", "", ACTIVE, NOW, revive=False)
        people.remove("r1@example.com", NOW)
        people.erase("r2@example.com", NOW)
        assert mailable.count(connection, "weekly", send.send.id) == 1
        name = IssueName.parse("2025-07-07-c12")
        sends.freeze(
            connection, MAIL, newsletter="N", issue=name, list_name="weekly",
            sender="n@example.com", reply_to=None, articles=[], provider="outbox", batch_size=5,
            send_at=None, now=NOW, corrects=send.send.id,
        )  # fmt: skip
        found = sends.find(connection, "N", name)
        assert found
        assert found.eligible == 1
        assert list(map(str, sends.states(connection, "N"))) == ["2025-07-07"]
        corrections = sends.states(connection, "N", corrections=True)
        assert list(map(str, corrections)) == ["2025-07-07-c12"]
        assert sends.last_audience(connection, "N", "weekly") == (IssueName.parse("2025-07-07"), 5)
    assert [reader.email for reader in started(database, found).addressees] == ["r0@example.com"]
    assert listed(database) == []


OLD_MAIL = """<html><body><div class="preheader">Also: rain&#847;&zwnj;&nbsp;</div>
<table><tr><td id="story-a"><img src="https://pictures.example.com/a.jpg" alt=""><p class="caption">
A caption</p><h3><a href="https://www.example.com/a">Rain at last</a></h3>
<p class="byline">By Sam</p>
<p>It fell for
three days.</p></td></tr><tr><td id="story-b"><h3>A ferry</h3></td></tr></table></body></html>"""


def test_a_send_of_an_older_version_says_what_its_mail_says(tmp_path: Path) -> None:
    (tmp_path / "newsletter.toml").write_text(
        '[newsletter]\nname = "N"\nfrom = "N <n@example.com>"\naddress = "1 Street"\n'
        '[[sources]]\ntype = "feed"\npath = "f.xml"\n[database]\nurl = "sqlite:///a.db"\n'
    )
    engine, config = create_engine(f"sqlite:///{tmp_path}/a.db"), Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0005")
        connection.execute(text("INSERT INTO lists (id, name) VALUES (1, 'weekly')"))
        connection.execute(
            text(
                "INSERT INTO sends (newsletter, issue, list_id, subject, html, text, hash, sender, "
                "articles, provider, state, created_at) VALUES ('N', '2025-07-07', 1, 'Rain', "
                ":html, 'text', 'x', 'n', '[]', 'outbox', 'done', '2025-07-07 14:00:00.000000')"
            ),
            {"html": OLD_MAIL},
        )
    engine.dispose()
    desk = open_desk(tmp_path, lambda: NOW + timedelta(days=1))
    issues = public.published(desk)
    assert [issue.text for issue in issues] == [
        IssueText(
            "Rain",
            "Also: rain",
            "",
            "https://pictures.example.com/a.jpg",
            (
                StoryText("Rain at last", "It fell for three days.", "https://www.example.com/a"),
                StoryText("A ferry"),
            ),
        )
    ]
    assert [str(found.issue) for found in public.search(desk, "ferries", issues)] == ["2025-07-07"]
    desk.close()
