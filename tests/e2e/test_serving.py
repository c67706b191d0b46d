"""``newsletter serve`` for several newsletters, and several of them for one."""

from __future__ import annotations

import socket
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests import patient
from tests.e2e.send_processes import edit, running, said, until
from tests.e2e.servers import closed_port, mail_server
from tests.newsroom import Newsroom, make
from tests.patient import PATIENCE

NAMES = ("a", "b")


@pytest.fixture
def rooms(tmp_path: Path) -> list[Newsroom]:
    made = []
    for name in NAMES:
        (tmp_path / name).mkdir()
        made.append(make(tmp_path / name))
        made[-1].configure(**{"The Weekly Test": name})
    return made


def refused(rooms: list[Newsroom], *folders: str) -> str:
    return rooms[0].run("serve", *folders, status=2).stderr


def test_newsletters_of_one_address_are_not_served_together(rooms: list[Newsroom]) -> None:
    folders = [str(room.folder) for room in rooms]
    said = refused(rooms, *folders)
    assert "have the same base_url" in said
    assert all(folder in said for folder in folders)
    rooms[1].configure(**{'base_url = "https://news.example.com"': "", "The Weekly Test": "b"})
    assert "has no base_url" in refused(rooms, *folders)
    assert "named twice" in refused(rooms, folders[0], folders[0])
    assert "There is no newsletter.toml" in refused(rooms, folders[0], "/nowhere")


def test_keys_of_one_database_open_no_other(rooms: list[Newsroom]) -> None:
    rooms[1].configure(**{"https://news": "https://more", "The Weekly Test": "b"})
    rooms[0].environment["NEWSLETTER_SECRET"] = "one-secret-for-both"
    said = refused(rooms, *(str(room.folder) for room in rooms))
    assert "a link of one would open the other" in said
    assert "one-secret-for-both" not in said


def test_settings_of_the_public_pages_are_looked_at(rooms: list[Newsroom]) -> None:
    rooms[0].configure('\n[public]\ntrusted_proxies = ["10.0.0.1/8"]\nsignups_per_hour = 0\n')
    said = refused(rooms)
    assert "public.trusted_proxies" in said
    assert 'such as "10.0.0.0/8"' in said
    assert "public.signups_per_hour" in said


def test_without_a_base_url_it_says_at_the_start_that_nobody_can_sign_up(
    rooms: list[Newsroom],
) -> None:
    rooms[0].configure(**{'base_url = "https://news.example.com"': ""})
    port = closed_port()
    with running(rooms[0], "serve", "--port", str(port)) as server:
        until(lambda: _up(port))
        url = f"http://127.0.0.1:{port}/subscribe"
        assert patient.post(url, data={"email": "ada@example.com"}).status_code == 404
        server.terminate()
        assert "nobody can sign up" in said(server, 0)


def test_a_port_that_is_taken_is_said_and_not_called_listening(rooms: list[Newsroom]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = rooms[0].run("serve", "--port", str(port), status=2).stderr
    assert f"Cannot listen on 127.0.0.1:{port}: the port is in use" in told
    assert "choose another port with --port." in told
    assert "Listening" not in told


def test_two_servers_send_each_mail_once_and_count_together(newsroom: Newsroom) -> None:
    ports = [closed_port(), closed_port()]
    with mail_server() as mails, ExitStack() as stack:
        newsroom.configure(
            f'\n[provider]\ntype = "smtp"\nhost = "127.0.0.1"\nport = {mails.port}\n'
            'security = "none"\n[public]\nsignups_per_network = 24\n'
        )
        servers = [stack.enter_context(running(newsroom, "serve", "--port", str(p))) for p in ports]
        until(lambda: all(_up(port) for port in ports))
        statuses = [_signs_up(ports[number % 2], f"r{number}@example.com") for number in range(26)]
        assert Counter(statuses) == {200: 24, 429: 2}
        servers[0].kill()
        servers[0].wait()
        edit(newsroom, "update signups set claimed_until = '2020-01-01' where claimed_until > ''")
        until(lambda: edit(newsroom, "select 1 from signups where email is not null") == [])
        got = Counter(mail.recipient for mail in mails.mails)
        assert len(got) == 24
        # One that was killed with a mail on its way may have sent it; none is lost.
        assert sum(got.values()) <= 25


def test_a_mail_on_its_way_goes_out_before_the_server_ends(newsroom: Newsroom) -> None:
    port = closed_port()
    with mail_server() as mails:
        newsroom.configure(
            f'\n[provider]\ntype = "smtp"\nhost = "127.0.0.1"\nport = {mails.port}\n'
            'security = "none"\n'
        )
        with running(newsroom, "serve", "--port", str(port)) as server:
            until(lambda: _up(port))
            assert _signs_up(port, "ada@example.com") == 200
            until(lambda: bool(edit(newsroom, "select 1 from signups where mailed_at > ''")))
            server.terminate()
            assert server.wait(PATIENCE) == 0
        assert [mail.recipient for mail in mails.mails] == ["ada@example.com"]
        assert edit(newsroom, "select email from signups") == [(None,)]


def _up(port: int) -> bool:
    try:
        return patient.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    except httpx.HTTPError:
        return False


def _signs_up(port: int, address: str) -> int:
    url = f"http://127.0.0.1:{port}/subscribe"
    return patient.post(url, data={"email": address}).status_code


def test_no_answer_waits_until_the_one_before_is_acknowledged(newsroom: Newsroom) -> None:
    """Clients may save that up for 40 ms, and would have each further answer that much later."""
    port = closed_port()
    with running(newsroom, "serve", "--port", str(port)):
        until(lambda: answers(port))
        with socket.create_connection(("127.0.0.1", port)) as client:
            stream = client.makefile("rb")

            def took() -> float:
                start = time.monotonic()
                client.sendall(b"GET /subscribe HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
                head = b"".join(iter(stream.readline, b"\r\n"))
                stream.read(int(head.lower().partition(b"content-length: ")[2].split()[0]))
                return time.monotonic() - start

            for _ in range(20):  # the first ones are acknowledged at once
                took()
            # On a busy machine most are later; of those that wait for 40 ms, none is earlier.
            assert any(took() < 0.035 for _ in range(500))


def answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
