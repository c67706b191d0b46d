"""Alerts: what the editor is to hear, told in the transaction of what happened.

``telling`` finds the words, ``notifying`` sends them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from newsletter.app.desk import Desk
from newsletter.model import IssueName
from newsletter.store import Connection, alerts

log = logging.getLogger(__name__)


class AlertKind(StrEnum):
    """What may be told."""

    DRAFT = "draft"
    UNAPPROVED = "unapproved"
    HELD = "held"
    SKIPPED = "skipped"
    UNAPPROVED_SENT = "unapproved-sent"
    PAUSED = "paused"
    DOUBT = "doubt"
    SOURCE = "source"
    MISSED = "missed"
    FAILED = "failed"
    SIGNUPS = "signups"

    @property
    def words(self) -> str:
        """The key of its title among the fixed words."""
        return f"alert_{self.replace('-', '_')}"


@dataclass(frozen=True)
class NewAlert:
    """Something to be told once, by kind and key.

    ``text``: a paragraph a line, commands between backticks. ``hash``: of the bytes that a link in
    the mail lets somebody approve.
    """

    kind: AlertKind
    key: str
    issue: IssueName
    text: str
    hash: str | None = None


def add(desk: Desk, connection: Connection, *told: NewAlert) -> None:
    """Write down what is to be told, where it was not told before."""
    for each in told:
        alerts.tell(
            connection,
            desk.name,
            each.kind,
            each.key[:200],
            each.issue,
            each.text,
            desk.clock(),
            each.hash,
        )


def add_or_log(desk: Desk, connection: Connection, words: Callable[[], NewAlert]) -> None:
    """The same, where the transaction holds what must be kept whatever is wrong with the words."""
    try:
        told = words()
    except Exception:
        log.exception("an alert found no words")
    else:
        add(desk, connection, told)
