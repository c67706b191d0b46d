"""The clone guard: a copy of the database does not send what the original has sent."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from datetime import datetime, timedelta

from newsletter import installation
from newsletter.app.desk import Desk
from newsletter.errors import NotReadyError
from newsletter.model import IssueName
from newsletter.store import key_values, sends

# By newsletter: which installation sends it from this database, and when it was last at work.
FACT = "sends from:{newsletter}"
AT_WORK = timedelta(minutes=5)  # so long after its last sign an installation may be sending
AGAIN = 60.0  # seconds between two signs
BEHIND = timedelta(minutes=10)  # more than clocks differ


def check(desk: Desk, issue: IssueName, *, take_over: bool = False) -> None:
    """Raises NotReadyError where this database may be a copy, or older than what was sent.

    With ``take_over`` a person has said that it is the right one.
    """
    # The evidence first: what another process begins meanwhile, the database knows before.
    mine, now = installation.here(desk.folder), desk.clock()
    with desk.reading() as connection:
        known = key_values.find(connection, FACT.format(newsletter=desk.name))
        recorded = sends.requests(connection, desk.name, issue)
    said = json.loads(known) if known else None
    lost = {name: n for name, n in mine.requests.items() if n > recorded.get(name, 0)}
    doubt = None
    if said and said["id"] != mine.id:
        seen = datetime.fromisoformat(said["seen"])
        doubt = (
            f"this database was last used to send from another installation ({said['host']}, "
            f"{seen:%Y-%m-%d %H:%M} UTC). It may be a copy, and the other may have sent this issue"
        )
        if now - seen < AT_WORK:
            raise NotReadyError(
                f"Issue {issue} is not sent: {doubt}, or be at it now. Stop it there and wait "
                f"{AT_WORK.seconds // 60} minutes, or send there. Machines that share one "
                f"database carry the same NEWSLETTER_INSTALLATION."
            )
    elif said and datetime.fromisoformat(said["seen"]) > now + BEHIND:
        doubt = (
            f"this machine's clock says {now:%Y-%m-%d %H:%M} UTC, which is before the last use of "
            f"this database ({said['seen'][:16].replace('T', ' ')})"
        )
    elif lost:
        name = issue if issue in lost else max(lost)
        begun = "1 request was" if lost[name] == 1 else f"{lost[name]} requests were"
        what = f"only {recorded[name]} of them" if recorded.get(name) else "nothing of that"
        doubt = (
            f"{begun} begun for issue {name} here, and the database knows {what}. It seems to be "
            f"restored from before"
        )
    if doubt and not take_over:
        raise NotReadyError(
            f"Issue {issue} is not sent, because readers might get it twice: {doubt}. Look in the "
            f"provider's log who has it. If nobody can get it twice, say so: "
            f"newsletter send {issue} --take-over"
        )
    for name in lost:
        installation.believe(desk.folder, name, recorded.get(name, 0))


def record_use(desk: Desk) -> None:
    """Leave in the database that this installation sends from it, now."""
    mine = installation.here(desk.folder)
    value = {"id": mine.id, "host": socket.gethostname(), "seen": desk.clock().isoformat()}
    with desk.writing() as connection:
        key_values.put(connection, FACT.format(newsletter=desk.name), json.dumps(value))


def use_recorder(desk: Desk) -> Callable[[], None]:
    """What signs again when a minute has gone by since the last time."""
    signed = time.monotonic()

    def sign_again() -> None:
        nonlocal signed
        if time.monotonic() - signed > AGAIN:
            record_use(desk)
            signed = time.monotonic()

    return sign_again
