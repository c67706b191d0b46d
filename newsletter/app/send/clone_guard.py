"""The clone guard: a copy of the database must not send what the original has sent."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from newsletter import installation
from newsletter.app.desk import Desk
from newsletter.errors import NotReadyError
from newsletter.installation import Installation
from newsletter.model import IssueName
from newsletter.store import key_values, sends

LAST_USE = "sends from:{newsletter}"  # a key: which installation sends the newsletter, and when
ACTIVE = timedelta(minutes=5)  # after its last record, an installation may still be sending
RECORD_INTERVAL = 60.0  # seconds
CLOCK_TOLERANCE = timedelta(minutes=10)  # clocks of two machines differ by less


def check(desk: Desk, issue: IssueName, *, take_over: bool = False) -> None:
    """Check that this database is the one that sends the newsletter, and is up to date.

    With ``take_over`` a person has confirmed that. Raises NotReadyError if the database may be a
    copy, or may be older than what was sent.
    """
    # The evidence first: the database already knows what another process starts meanwhile.
    own, now = installation.load(desk.folder), desk.clock()
    with desk.reading() as connection:
        value = key_values.get(connection, LAST_USE.format(newsletter=desk.name))
        recorded = sends.request_counts(connection, desk.name, issue)
    last_use = json.loads(value) if value else None
    unrecorded = {
        name: count for name, count in own.requests.items() if count > recorded.get(name, 0)
    }
    doubt = None
    if last_use:
        doubt = _doubt_about_use(issue, last_use, own, now)
    if doubt is None and unrecorded:
        doubt = _doubt_about_requests(issue, unrecorded, recorded)
    if doubt and not take_over:
        raise NotReadyError(
            f"Issue {issue} is not sent, because readers might get it twice: {doubt}. Check the "
            f"provider's log to see who has it. If nobody can get it twice, run: "
            f"newsletter send {issue} --take-over"
        )
    for name in unrecorded:
        installation.overwrite(desk.folder, name, recorded.get(name, 0))


def _doubt_about_use(
    issue: IssueName, last_use: Mapping[str, str], own: Installation, now: datetime
) -> str | None:
    """What the record of the last use says against sending from here.

    Raises NotReadyError if another installation may be sending right now.
    """
    seen = datetime.fromisoformat(last_use["seen"])
    if last_use["id"] != own.id:
        doubt = (
            f"this database was last used to send from another installation ({last_use['host']}, "
            f"{seen:%Y-%m-%d %H:%M} UTC). It may be a copy, and the other installation may have "
            f"sent this issue"
        )
        if now - seen < ACTIVE:
            raise NotReadyError(
                f"Issue {issue} is not sent: {doubt}, or may be sending it now. Stop it there and "
                f"wait {ACTIVE.seconds // 60} minutes, or send from there. Machines that share one "
                f"database need the same NEWSLETTER_INSTALLATION."
            )
        return doubt
    if seen > now + CLOCK_TOLERANCE:
        return (
            f"this machine's clock says {now:%Y-%m-%d %H:%M} UTC, which is before the last use of "
            f"this database ({last_use['seen'][:16].replace('T', ' ')})"
        )
    return None


def _doubt_about_requests(
    issue: IssueName, unrecorded: Mapping[IssueName, int], recorded: Mapping[IssueName, int]
) -> str:
    """The doubt about requests that this installation started and the database does not have."""
    name = issue if issue in unrecorded else max(unrecorded)
    count = unrecorded[name]
    started = "1 request was" if count == 1 else f"{count} requests were"
    extent = f"only {recorded[name]} of them" if recorded.get(name) else "none of them"
    return (
        f"{started} started for issue {name} here, and the database has {extent}. It seems to be "
        f"restored from an older backup"
    )


def record_use(desk: Desk) -> None:
    """Record in the database that this installation sends from it now."""
    own = installation.load(desk.folder)
    value = {"id": own.id, "host": socket.gethostname(), "seen": desk.clock().isoformat()}
    with desk.writing() as connection:
        key_values.put(connection, LAST_USE.format(newsletter=desk.name), json.dumps(value))


def use_recorder(desk: Desk) -> Callable[[], None]:
    """A function that calls ``record_use`` at most once per RECORD_INTERVAL."""
    recorded_at = time.monotonic()

    def record() -> None:
        nonlocal recorded_at
        if time.monotonic() - recorded_at > RECORD_INTERVAL:
            record_use(desk)
            recorded_at = time.monotonic()

    return record
