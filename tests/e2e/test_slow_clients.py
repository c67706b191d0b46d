"""Who dawdles is cut off, and nobody else notices: byte by byte, or not taking the answer."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import httpx
import pytest
import uvicorn

from newsletter.app import open_desk
from newsletter.web.public import server as public_server
from newsletter.web.public.timeouts import with_limits
from tests import patient
from tests.e2e.send_processes import until
from tests.e2e.servers import closed_port
from tests.newsroom import make
from tests.patient import PATIENCE

REQUEST, ANSWER = 0.6, 0.9  # seconds, where real ones have 20 and 60
MOST = 300  # connections, where real servers have 1,500


@contextmanager
def served(folder: Path, request: float = REQUEST, most: int = MOST) -> Iterator[int]:
    """The port of a server in this process."""
    desk = open_desk(make(folder).folder)
    options = {**public_server.OPTIONS, "http": with_limits(request, ANSWER, most)}
    server = uvicorn.Server(uvicorn.Config(public_server.create_app(desk), port=0, **options))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    yield int(server.servers[0].sockets[0].getsockname()[1])
    server.should_exit = True
    thread.join(PATIENCE)
    desk.close()


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with served(tmp_path_factory.mktemp("room")) as port:
        yield port


def connected(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port))
    connection.settimeout(PATIENCE)
    return connection


def ends(connection: socket.socket) -> None:
    """Wait until the other side has ended it. Raises TimeoutError if it never does."""
    with suppress(ConnectionError):
        while connection.recv(65_536):
            pass


def drips(connection: socket.socket, text: bytes) -> bool:
    """Send one byte after the other; whether the other side ends it meanwhile."""
    try:
        for byte in text * round(PATIENCE / 0.05 / len(text)):
            connection.sendall(bytes([byte]))
            time.sleep(0.05)
    except ConnectionError:
        return True
    return False


HEAD = b"POST /subscribe HTTP/1.1\r\nHost: 127.0.0.1\r\n"
FORM = HEAD + b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9000\r\n\r\n"


@pytest.mark.parametrize("said", [b"", b"G", HEAD, FORM, FORM + b"email=a"])
def test_half_a_request_and_silence_is_ended(port: int, said: bytes) -> None:
    with closing(connected(port)) as connection:
        connection.sendall(said)
        ends(connection)


@pytest.mark.parametrize("said", [b"GET /subscribe HTTP/1.1\r\n", HEAD, FORM])
def test_a_request_byte_by_byte_is_ended(port: int, said: bytes) -> None:
    with closing(connected(port)) as connection:
        connection.sendall(said)
        assert drips(connection, b"X-A: b\r\n")


def test_a_second_request_has_a_time_of_its_own_and_no_more(tmp_path: Path) -> None:
    unhurried = 5.0  # a busy machine, too, sends the second half in time
    with served(tmp_path, request=unhurried) as port, closing(connected(port)) as connection:
        for _ in range(3):  # longer than one request may take, each within its time
            connection.sendall(b"GET /public.css HTTP/1.1\r\nHost: 127.0.0.1\r\n")
            time.sleep(unhurried * 0.4)
            connection.sendall(b"\r\n")
            assert connection.recv(15) == b"HTTP/1.1 200 OK"
            until(lambda: connection.recv(65_536).endswith(b"}"))
        connection.sendall(b"GET /public.css HTTP/1.1\r\n")
        ends(connection)


def test_an_answer_that_nobody_takes_is_ended(port: int) -> None:
    with closing(socket.socket()) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        connection.settimeout(PATIENCE)
        connection.connect(("127.0.0.1", port))
        for _ in range(3000):
            connection.sendall(b"GET /public.css HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        time.sleep(ANSWER * 3)
        ends(connection)


def test_two_hundred_of_them_are_ended(port: int) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(closing(connected(port))) for _ in range(200)]
        for connection in slow:
            connection.sendall(HEAD)
        for connection in slow:
            ends(connection)


def test_two_hundred_of_them_keep_nobody_else_waiting(tmp_path: Path) -> None:
    with served(tmp_path, request=PATIENCE) as port, ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(closing(connected(port))).sendall(HEAD)
        for _ in range(5):
            assert patient.get(f"http://127.0.0.1:{port}/subscribe").status_code == 200


def test_one_connection_too_many_is_ended_at_once(tmp_path: Path) -> None:
    with served(tmp_path, request=PATIENCE * 2, most=30) as port:  # none ends by itself
        with ExitStack() as stack:
            for _ in range(30):
                stack.enter_context(closing(connected(port)))
            further = stack.enter_context(closing(connected(port)))
            ends(further)
        until(lambda: _answers(port))


def test_many_connections_leave_files_to_a_server_that_was_given_few(tmp_path: Path) -> None:
    room, port, log = make(tmp_path), closed_port(), tmp_path / "serve.log"
    command = f"ulimit -Sn 150; exec {sys.executable} -m newsletter.cli serve --port {port}"
    with log.open("w") as file:
        server = subprocess.Popen(
            ["bash", "-c", command], cwd=tmp_path, env=room.whole_environment(), stderr=file
        )
    try:
        until(lambda: _answers(port))
        with ExitStack() as stack:
            for _ in range(300):
                stack.enter_context(closing(connected(port)))
            address = f"http://127.0.0.1:{port}/subscribe"
            assert patient.post(address, data={"email": "ada@example.com"}).status_code == 200
    finally:
        server.terminate()
        assert server.wait(PATIENCE) == 0
    assert log.read_text().count("\n") == 1, log.read_text()[:2_000]


def _answers(port: int) -> bool:
    with suppress(httpx.HTTPError):
        return patient.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    return False


def test_what_is_no_http_is_refused(port: int) -> None:
    for said in (b"\x16\x03\x01\x02\x00\x01\x00" * 10, b"GET / HTTP/1.1\r\nA: " + b"x" * 70_000):
        with closing(connected(port)) as connection:
            connection.sendall(said + b"\r\n\r\n")
            assert connection.recv(12) == b"HTTP/1.1 400"
            ends(connection)
