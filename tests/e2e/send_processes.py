"""What the tests of sends share: a newsroom on a SendGrid-shaped server, and processes to stop."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence

from tests.e2e.servers import KEY, SendgridServer, Step
from tests.forked import Forked
from tests.newsroom import Newsroom
from tests.patient import PATIENCE

ISSUE = "2030-01-07"
USUAL = Step(201, taken=True)  # among the asides of a server: what it would do anyway


def through_sendgrid(
    room: Newsroom, server: SendgridServer, doubt: str | None = None, more: str = ""
) -> None:
    """Two readers in a request, one request at a time."""
    room.environment["SENDGRID_API_KEY"] = KEY
    policy = f'[delivery]\ndoubt = "{doubt}"\n' if doubt else ""
    room.configure(
        f'\n[provider]\ntype = "sendgrid"\nbase_url = "{server.url}"\nbatch_size = 2\n'
        f"workers = 1\n{policy}{more}"
    )


@contextlib.contextmanager
def running(room: Newsroom, *arguments: str) -> Iterator[Forked]:
    """A command under way; killed at the end if it still is."""
    process = room.start(*arguments)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def said(process: Forked, status: int) -> str:
    """What it says until it ends, with that exit status."""
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == status, out + err
    assert "Traceback" not in out + err
    return out + err


def until(condition: Callable[[], bool]) -> None:
    """Wait for it."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.02)


def kill_in_mid_request(room: Newsroom, server: SendgridServer, request: int) -> None:
    """kill -9 once the server has that request, and let the lease of it end."""
    with running(room, "send", ISSUE, "--yes"):
        until(lambda: server.requests >= request)
        time.sleep(0.2)
    leases_end(room)


def leases_end(room: Newsroom) -> None:
    """As if a day had gone by since the last process was killed."""
    edit(room, "update batches set lease_until = '2020-01-01 00:00:00' where lease_until > ''")


def edit(room: Newsroom, statement: str, *values: object) -> list[tuple[object, ...]]:
    """Do something to the database behind the program's back."""
    with contextlib.closing(sqlite3.connect(room.folder / "newsletter.db")) as database:
        found = database.execute(statement, values).fetchall()
        database.commit()
    return found


def got(server: SendgridServer) -> list[str]:
    """Who gets a mail, sorted; whoever gets two stands in it twice."""
    return sorted(mail.email for mail in server.mails())


def numbers(receipt: dict[str, int]) -> dict[str, int]:
    """The numbers of a receipt that are not 0; they add up."""
    states = ("accepted", "excluded", "rejected", "in_doubt", "waiting")
    assert receipt["eligible"] == sum(receipt[state] for state in states)
    return {state: receipt[state] for state in states if receipt[state]}


def addresses(rows: Sequence[dict[str, str]]) -> dict[str, str]:
    """The explained addresses of a receipt, with the reasons."""
    return {row["address"]: row["reason"] for row in rows}
