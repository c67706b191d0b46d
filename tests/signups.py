"""Sign-ups in an office: who asks, who is mailed, and what their links lead to."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import TypeVar

from sqlalchemy import text

from newsletter.app.readers import sign_up
from newsletter.store import subscription_status
from tests.clocked_newsroom import Office
from tests.e2e.approval_pages import newest, part

T = TypeVar("T")
LINK = re.compile(r"https://news\.example\.com/(confirm|preferences)/(\S+)")
NETWORK = "203.0.113.0/24"


def ask(office: Office, address: str, network: str = NETWORK) -> bool:
    return sign_up.request(office.desk, address, network)


def answered(office: Office, *addresses: str) -> list[str]:
    """Who gets a mail when these have signed up."""
    for address in addresses:
        assert ask(office, address)
    before = mails(office)
    sign_up.answer_all(office.desk)
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
        found = subscription_status.find_by_address(connection, address, "weekly")
    return found.status if found else None


def rows(office: Office) -> bytes:
    """Everything that stands in the database's rows."""
    with office.desk.database.read() as connection:
        found = [
            connection.execute(text(f"select * from {table}")).all()
            for table in ("subscribers", "signups")
        ]
    return repr(found).encode()


def at_once(times: int, work: Callable[[], T]) -> list[T]:
    """What so many threads are given who do it at one moment."""
    gate = Barrier(times)

    def one(_: int) -> T:
        gate.wait()
        return work()

    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(one, range(times)))
