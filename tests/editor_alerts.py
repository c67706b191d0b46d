"""The alerts that a newsroom's editor has got: out of its outbox, and out of its database."""

from __future__ import annotations

import re
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8

from newsletter.store import alerts
from tests.clocked_newsroom import Office

NAME = re.compile(r"(\d{4}-\d\d-\d\d)-([a-z-]+)-(\d+)-(.*)\.eml")


def heard(week: Office) -> list[str]:
    """The kinds of the alerts that were mailed, in their order."""
    return [kind for _, kind, _ in mails(week)]


def mails(week: Office) -> list[tuple[int, str, EmailMessage]]:
    found = []
    for path in (week.room.folder / "outbox" / "alerts").glob("*.eml"):
        match = NAME.fullmatch(path.name)
        assert match, path.name
        message = message_from_bytes(path.read_bytes(), policy=SMTPUTF8)
        assert isinstance(message, EmailMessage)
        found.append((int(match[3]), match[2], message))
    return sorted(found, key=lambda each: each[0])


def text(week: Office, place: int = -1) -> str:
    """The text part of an alert, in one line."""
    part = mails(week)[place][2].get_body(("plain",))
    assert isinstance(part, EmailMessage)
    return " ".join(part.get_content().split())


def rows(week: Office) -> list[tuple[str, str]]:
    """The alerts in the database: kind and text."""
    with week.desk.database.begin() as connection:
        found = alerts.claim(connection, week.desk.name, week.now + timedelta(days=1))
    return [(each.kind, each.text) for each in found]
