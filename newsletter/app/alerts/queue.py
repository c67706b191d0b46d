"""Alerts that wait to be sent, stored in the transaction of the event that they report.

``wording`` writes their text, ``notify`` sends them.
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
    """What an alert is about."""

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
    def title_key(self) -> str:
        """The key of its title among the fixed words."""
        return f"alert_{self.replace('-', '_')}"


@dataclass(frozen=True)
class NewAlert:
    """An alert to store. A second one of the same kind and key is ignored."""

    kind: AlertKind
    key: str
    issue: IssueName
    text: str  # one paragraph per line, commands between backticks
    hash: str | None = None  # of the bytes that a link in the alert's mail can approve


def add(desk: Desk, connection: Connection, *new_alerts: NewAlert) -> None:
    """Store the alerts, except those whose kind and key were stored before."""
    for alert in new_alerts:
        alerts.add(
            connection,
            desk.name,
            alert.kind,
            alert.key[:200],
            alert.issue,
            alert.text,
            desk.clock(),
            alert.hash,
        )


def add_or_log(desk: Desk, connection: Connection, compose: Callable[[], NewAlert]) -> None:
    """Store the alert that ``compose`` writes; log the error if it fails.

    For transactions whose other changes must be kept in any case.
    """
    try:
        alert = compose()
    except Exception:
        log.exception("An alert could not be written")
    else:
        add(desk, connection, alert)
