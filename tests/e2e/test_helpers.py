"""A large list is shared by several processes; whichever of them dies, nobody gets it twice."""

from __future__ import annotations

import errno
import os
import signal
from pathlib import Path

import pytest

from newsletter.app import open_desk
from newsletter.app.send import plan
from newsletter.app.send import send as sending
from newsletter.model import IssueName
from tests.e2e.send_processes import (
    ISSUE,
    got,
    leases_end,
    numbers,
    running,
    said,
    through_sendgrid,
    until,
)
from tests.e2e.servers import KEY, SendgridServer
from tests.newsroom import Newsroom
from tests.patient import PATIENCE

pytestmark = pytest.mark.long

READERS = 60


@pytest.fixture
def readers(newsroom: Newsroom, server: SendgridServer) -> list[str]:
    found = newsroom.prepare(ISSUE, readers=READERS)
    through_sendgrid(newsroom, server)
    config = newsroom.folder / "newsletter.toml"
    config.write_text(config.read_text().replace("workers = 1", "workers = 2\nprocesses = 2"))
    server.pace = 0.3
    return found


def helpers(parent: int) -> list[int]:
    """The child processes of a send that are alive."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            mine = process.joinpath("stat").read_text().rpartition(")")[2].split()
            command = process.joinpath("cmdline").read_text()
        except OSError:
            continue
        if mine[0] != "Z" and int(mine[1]) == parent and "spawn_main" in command:
            found.append(int(process.name))
    return found


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def helped(parent: int, server: SendgridServer) -> int:
    """The helper of a send, once it is at work."""
    until(lambda: bool(helpers(parent)) and server.connections >= 2)
    (helper,) = helpers(parent)
    return helper


def test_two_processes_send_each_mail_once_and_stop_together(
    newsroom: Newsroom, server: SendgridServer, readers: list[str]
) -> None:
    with running(newsroom, "send", ISSUE, "--yes") as process:
        helper = helped(process.pid, server)
        process.send_signal(signal.SIGTERM)
        said(process, 1)
        assert not alive(helper)
    receipt = numbers(newsroom.json("receipt", ISSUE))
    assert receipt == {"accepted": 2 * server.requests, "waiting": READERS - 2 * server.requests}
    server.pace = 0
    assert numbers(newsroom.json("send", ISSUE, "--yes")) == {"accepted": READERS}
    assert got(server) == readers


def test_a_helper_ends_when_the_first_process_is_killed(
    newsroom: Newsroom, server: SendgridServer, readers: list[str]
) -> None:
    with running(newsroom, "send", ISSUE, "--yes") as process:
        helper = helped(process.pid, server)
        process.kill()
        until(lambda: not alive(helper))
    leases_end(newsroom)
    server.pace = 0
    assert numbers(newsroom.json("send", ISSUE, "--yes")) == {"accepted": READERS}
    assert got(server) == readers


def test_the_rest_goes_out_when_a_helper_is_killed(
    newsroom: Newsroom, server: SendgridServer, readers: list[str]
) -> None:
    with running(newsroom, "send", ISSUE, "--yes") as process:
        helper = helped(process.pid, server)
        server.pace = 0.1
        os.kill(helper, signal.SIGKILL)
        until(lambda: 2 * server.requests >= READERS)
        process.send_signal(signal.SIGTERM)  # or it waits for the lease of what the helper had
        process.wait(PATIENCE)
    leases_end(newsroom)
    assert numbers(newsroom.json("send", ISSUE, "--yes")) == {"accepted": READERS}
    assert got(server) == readers


def test_a_send_goes_on_alone_where_no_helper_can_be_started(
    newsroom: Newsroom,
    server: SendgridServer,
    readers: list[str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def full(*_: object) -> int:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setenv("SENDGRID_API_KEY", KEY)
    monkeypatch.setattr("multiprocessing.util.spawnv_passfds", full)
    server.pace = 0
    desk = open_desk(newsroom.folder)
    found = sending.send(desk, plan.plan(desk, IssueName.parse(ISSUE)))
    desk.close()
    assert (found.accepted, got(server)) == (READERS, readers)
    assert "Cannot start another process (" in caplog.text
