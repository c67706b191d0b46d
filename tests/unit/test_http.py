"""The fetcher: what it fetches, and what it refuses."""

from __future__ import annotations

import gzip
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme

from newsletter import __version__
from newsletter.errors import FetchError
from newsletter.http import Fetcher, Response, gunzip
from newsletter.http.addresses import is_public
from tests.patient import PATIENCE

MIB = 1024 * 1024
TLS = ssl.create_default_context()  # once: loading the certificates takes longer than a test
Respond = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Answers as the test says, path by path."""

    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.seen.append(self)
        with suppress(OSError):
            self.server.paths[self.path](self)

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.paths: dict[str, Respond] = {"/": lambda handler: handler.answer(200, b"hello")}
        self.seen: list[Handler] = []

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def url(self, path: str = "/") -> str:
        return f"http://{self.host}{path}"

    def redirect(self, path: str, target: str, status: int = 302) -> None:
        self.paths[path] = lambda handler: handler.answer(status, Location=target)

    def raw(self, path: str, *pieces: bytes, pause: float = 0) -> None:
        """Exactly these bytes, and the end of the connection."""

        def respond(handler: Handler) -> None:
            handler.close_connection = True
            for piece in pieces:
                handler.wfile.write(piece)
                time.sleep(pause)

        self.paths[path] = respond

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


def serving(server: Server) -> Iterator[Server]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    yield from serving(Server())


@pytest.fixture
def other() -> Iterator[Server]:
    yield from serving(Server())


@pytest.fixture
def fetcher(server: Server) -> Iterator[Fetcher]:
    with Fetcher([server.host], timeout=5, tls=TLS) as fetcher:
        yield fetcher


def refused(fetcher: Fetcher, url: str, words: str) -> str:
    with pytest.raises(FetchError, match=words) as caught:
        fetcher.get(url)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Host names of the test's own; those asked for are noted under the key "asked"."""
    known: dict[str, list[str]] = {"asked": []}
    real = socket.getaddrinfo

    def look_up(host: Any, port: Any, *args: Any, **more: Any) -> Any:
        if host not in known:
            return real(host, port, *args, **more)
        known["asked"].append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in known[host]]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


# --- what it fetches ---------------------------------------------------------------------


def test_an_answer(server: Server, fetcher: Fetcher) -> None:
    server.paths["/feed"] = lambda handler: handler.answer(200, b"<rss/>", X_Thing="One")
    found = fetcher.get(server.url("/feed"), {"If-None-Match": '"1"'})
    assert found == Response(server.url("/feed"), 200, found.headers, b"<rss/>")
    assert found.headers["x-thing"] == "One"
    (request,) = server.seen
    assert request.headers["User-Agent"].startswith("NewsletterDesk/")
    assert request.headers["Host"] == server.host
    assert request.headers["If-None-Match"] == '"1"'


def test_gzip_is_unpacked_also_in_parts(server: Server, fetcher: Fetcher) -> None:
    body = gzip.compress(b"one ") + gzip.compress(b"two") + b"\0\0"
    server.paths["/"] = lambda handler: handler.answer(200, body, Content_Encoding="gzip")
    assert fetcher.get(server.url()).body == b"one two"


def test_an_unchanged_page_only_where_it_was_asked_for(server: Server, fetcher: Fetcher) -> None:
    server.paths["/"] = lambda handler: handler.answer(304)
    assert fetcher.get(server.url(), {"if-modified-since": "x"}).status == 304
    refused(fetcher, server.url(), "status 304")


def test_redirects_are_followed_and_named(server: Server, fetcher: Fetcher) -> None:
    for number, status in enumerate((301, 302, 303, 307, 308), 1):
        server.redirect(f"/{number}", f"{number + 1}", status)
    server.paths["/6"] = lambda handler: handler.answer(200, b"there")
    assert fetcher.get(server.url("/1")).url == server.url("/6")


def test_many_threads_share_a_fetcher(server: Server, fetcher: Fetcher) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: fetcher.get(server.url()).body, range(32)))
    assert found == [b"hello"] * 32


def test_no_cookie_is_kept(server: Server, fetcher: Fetcher) -> None:
    server.paths["/"] = lambda handler: handler.answer(200, Set_Cookie="a=b; Path=/")
    fetcher.get(server.url())
    fetcher.get(server.url())
    assert "Cookie" not in server.seen[1].headers


def test_a_closed_fetcher_can_be_used_again(server: Server) -> None:
    fetcher = Fetcher([server.host])
    fetcher.get(server.url())
    fetcher.close()
    fetcher.close()
    assert fetcher.get(server.url()).status == 200
    fetcher.close()


def test_importing_it_does_not_load_the_http_library() -> None:
    code = "import sys, newsletter.http; sys.exit('httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- where it does not go ----------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/",
        "http://localhost:9/",
        "http://[::1]:9/",
        "http://2130706433:9/",
        "http://0x7f.1:9/",
        "http://0.0.0.0:9/",
        "http://10.0.0.1/",
        "http://192.168.1.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://100.64.0.1/",
        "http://224.0.0.1/",
        "http://[fe80::1]/",
        "http://[fd00::1]/",
        "http://[::ffff:127.0.0.1]:9/",
        "http://[64:ff9b::7f00:1]:9/",
        "http://[2002:7f00:1::]:9/",
    ],
)
def test_private_addresses_are_refused(url: str) -> None:
    with Fetcher() as fetcher:
        assert "allow_hosts" in refused(fetcher, url, "not on the public internet")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("64:ff9b::5db8:d822", True),
        ("::ffff:93.184.216.34", True),
        ("fe80::1%eth0", False),
        ("::127.0.0.1", False),
        ("fec0::1", False),
        ("ff02::1", False),
        ("64:ff9b:1::1", False),
        ("255.255.255.255", False),
        ("198.18.0.1", False),
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_one_private_address_among_public_ones_is_enough(names: dict[str, list[str]]) -> None:
    names["feed.test"] = ["93.184.216.34", "10.0.0.7"]
    with Fetcher() as fetcher:
        refused(fetcher, "http://feed.test/", r"10\.0\.0\.7")


@pytest.mark.parametrize("allowed", ["127.0.0.1", "127.0.0.1:1", "localhost:{port}", ":{port}"])
def test_only_exactly_the_allowed_host_and_port_is_open(server: Server, allowed: str) -> None:
    with Fetcher([allowed.format(port=server.server_port)]) as fetcher:
        refused(fetcher, server.url(), "not on the public internet")
    assert not server.seen


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://example.com/", "nonsense", "http:///x"]
)
def test_only_the_web(url: str) -> None:
    with Fetcher() as fetcher:
        refused(fetcher, url, "not an http or https address")


@pytest.mark.parametrize("url", ["http://exa\x00mple.com/", "http://[::1"])
def test_broken_addresses(url: str) -> None:
    with Fetcher() as fetcher:
        refused(fetcher, url, "not a web address")


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (
            "http://169.254.169.254/latest/",
            r"redirects to .*169\.254\.169\.254.* not on the public",
        ),
        ("file:///etc/passwd", "redirects to .*passwd.* not an http"),
        ("gopher://example.com/", "not an http"),
        ("http://[::1", "Invalid URL in location"),
        ("", "is not an address"),
    ],
)
def test_each_redirect_is_looked_at(
    server: Server, fetcher: Fetcher, target: str, words: str
) -> None:
    server.redirect("/", target)
    assert "allow_hosts" not in refused(fetcher, server.url(), words)


def test_a_redirect_to_another_port_inside_is_refused(
    server: Server, other: Server, fetcher: Fetcher
) -> None:
    server.redirect("/", other.url())
    refused(fetcher, server.url(), "not on the public internet")
    assert not other.seen


def test_redirects_in_a_circle(server: Server, fetcher: Fetcher) -> None:
    server.redirect("/a", "/b")
    server.redirect("/b", "/a#x")
    refused(fetcher, server.url("/a"), "in a circle")


def test_too_many_redirects(server: Server, fetcher: Fetcher) -> None:
    for number in range(7):
        server.redirect(f"/{number}", f"/{number + 1}")
    refused(fetcher, server.url("/0"), "more than 5 times")
    assert len(server.seen) == 6


def test_credentials_stay_at_home(server: Server, other: Server) -> None:
    server.redirect("/", other.url())
    with Fetcher([server.host, other.host]) as fetcher:
        fetcher.get(server.url(), {"Authorization": "Bearer x", "Accept-Language": "ko"})
    assert server.seen[0].headers["Authorization"] == "Bearer x"
    assert "Authorization" not in other.seen[0].headers
    assert other.seen[0].headers["Accept-Language"] == "ko"


def test_a_password_in_an_address_is_not_said(server: Server, fetcher: Fetcher) -> None:
    server.paths["/"] = lambda handler: handler.answer(500)
    message = refused(fetcher, f"http://me:secret@{server.host}/", "status 500")
    assert "secret" not in message


# --- the very address, and its certificate -----------------------------------------------


def test_the_name_is_looked_up_once(server: Server, names: dict[str, list[str]]) -> None:
    names["feed.test"] = ["127.0.0.1"]
    with Fetcher([f"feed.test:{server.server_port}"]) as fetcher:
        fetcher.get(f"http://feed.test:{server.server_port}/")
    assert names["asked"] == ["feed.test"]
    assert server.seen[0].headers["Host"] == f"feed.test:{server.server_port}"


def test_the_next_address_is_tried(server: Server, names: dict[str, list[str]]) -> None:
    names["feed.test"] = ["127.0.0.2", "127.0.0.1"]
    with Fetcher([f"feed.test:{server.server_port}"]) as fetcher:
        assert fetcher.get(f"http://feed.test:{server.server_port}/").body == b"hello"


@pytest.mark.parametrize(("certified", "works"), [("feed.test", True), ("other.test", False)])
def test_the_certificate_must_be_the_hosts(
    names: dict[str, list[str]], certified: str, works: bool
) -> None:
    authority = trustme.CA()
    ours, theirs = ssl.create_default_context(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.configure_trust(ours)
    authority.issue_cert(certified).configure_cert(theirs)
    names["feed.test"] = ["127.0.0.1"]
    server = Server()
    server.socket = theirs.wrap_socket(server.socket, server_side=True)
    for running in serving(server):
        place = f"feed.test:{running.server_port}"
        with Fetcher([place], tls=ours) as fetcher:
            if works:
                assert fetcher.get(f"https://{place}/").body == b"hello"
            else:
                refused(fetcher, f"https://{place}/", "certificate")


def test_an_authority_that_the_environment_names_is_trusted(
    names: dict[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, theirs = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("feed.test").configure_cert(theirs)
    authority.cert_pem.write_to_path(tmp_path / "ours.pem")
    names["feed.test"] = ["127.0.0.1"]
    server = Server()
    server.socket = theirs.wrap_socket(server.socket, server_side=True)
    for running in serving(server):
        place = f"feed.test:{running.server_port}"
        with Fetcher([place]) as fetcher:
            refused(fetcher, f"https://{place}/", "certificate")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ours.pem"))
        with Fetcher([place]) as fetcher:
            assert fetcher.get(f"https://{place}/").body == b"hello"


# --- what goes wrong ---------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 403, 404, 410, 429, 500, 503])
def test_the_status_is_named(server: Server, fetcher: Fetcher, status: int) -> None:
    server.paths["/"] = lambda handler: handler.answer(status)
    refused(fetcher, server.url(), f"status {status}")


def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        with Fetcher([place]) as fetcher:
            refused(fetcher, f"http://{place}/", "cannot be reached")


def test_no_such_host() -> None:
    with Fetcher() as fetcher:
        refused(fetcher, "http://nowhere.invalid/", "nowhere.invalid .*cannot be found")


def test_a_resolver_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: stuck.wait(PATIENCE) and [])
    with Fetcher(timeout=0.1) as fetcher:
        refused(fetcher, "http://slow.test/", "took longer than 0.1 seconds")
    stuck.set()


def test_an_answer_that_is_none(server: Server, fetcher: Fetcher) -> None:
    server.raw("/", b"220 mail.example.com ESMTP\r\n")
    refused(fetcher, server.url(), "cannot be reached")


def test_an_answer_that_breaks_off(server: Server, fetcher: Fetcher) -> None:
    server.raw("/", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    refused(fetcher, server.url(), "cannot be reached")


MANY = round(PATIENCE / 0.05)  # pieces: more than a test waits for


@pytest.mark.parametrize(
    "pieces",
    [
        [b"H", *[b"x"] * MANY],
        [b"HTTP/1.1 200 OK\r\n", *[b"X-A: b\r\n"] * MANY],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", *[b"x"] * MANY],
        [b""] * MANY,
    ],
    ids=["status", "headers", "body", "silence"],
)
def test_a_server_that_dribbles_is_left_in_time(server: Server, pieces: list[bytes]) -> None:
    server.raw("/", *pieces, pause=0.05)
    started = time.monotonic()
    with Fetcher([server.host], timeout=0.25) as fetcher:
        refused(fetcher, server.url(), "took longer than 0.25 seconds")
    assert time.monotonic() - started < PATIENCE


@pytest.mark.parametrize("said", [True, False])
def test_too_much(server: Server, said: bool) -> None:
    length = b"Content-Length: 3145728\r\n" if said else b""
    server.raw(
        "/", b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + length + b"\r\n", *[b"x" * MIB] * 3
    )
    with Fetcher([server.host], max_bytes=2 * MIB) as fetcher:
        message = refused(fetcher, server.url(), "too big")
    assert "2 MiB" in message
    assert ("3 MiB" in message) is said


def test_exactly_the_most_is_taken(server: Server) -> None:
    server.paths["/"] = lambda handler: handler.answer(200, b"x" * 1000)
    with Fetcher([server.host], max_bytes=1000) as fetcher:
        assert len(fetcher.get(server.url()).body) == 1000


def test_a_gzip_bomb_is_stopped_early(server: Server, fetcher: Fetcher) -> None:
    bomb = gzip.compress(bytes(200 * MIB), 1)
    server.paths["/"] = lambda handler: handler.answer(200, bomb, Content_Encoding="gzip")
    refused(fetcher, server.url(), "too big: the limit is 20 MiB")


@pytest.mark.parametrize(
    ("body", "coding", "words"),
    [
        (b"plain words", "gzip", "broken gzip"),
        (gzip.compress(b"whole", mtime=0)[:-6], "gzip", "breaks off"),
        (b"x", "br", "compressed as 'br'"),
    ],
    ids=["no gzip", "cut off", "brotli"],
)
def test_packed_wrongly(
    server: Server, fetcher: Fetcher, body: bytes, coding: str, words: str
) -> None:
    server.paths["/"] = lambda handler: handler.answer(200, body, Content_Encoding=coding)
    refused(fetcher, server.url(), words)


def test_files_are_unzipped_within_the_same_limit() -> None:
    assert gunzip(b"as it is", "a.xml") == b"as it is"
    assert gunzip(gzip.compress(b"words"), "a.xml") == b"words"
    with pytest.raises(FetchError, match=r"a\.xml is too big"):
        gunzip(gzip.compress(bytes(2 * MIB)), "a.xml", max_bytes=MIB)


def etag(handler: Handler) -> None:
    """The same page for ever, with a name for its state."""
    if handler.headers.get("If-None-Match") == '"one"':
        handler.answer(304, ETag='"one"')
    else:
        handler.answer(200, b"x" * 5000, ETag='"one"', Content_Type="text/plain")


def test_what_was_seen_is_asked_for_conditionally(server: Server, tmp_path: Path) -> None:
    server.paths["/"] = etag
    first = remembering(server, tmp_path).get(server.url())
    assert not first.unchanged
    again = remembering(server, tmp_path).get(server.url())
    assert (again.status, again.body, again.unchanged) == (200, b"x" * 5000, True)
    assert again.headers["content-type"] == "text/plain"


def test_last_modified_serves_as_well(server: Server, tmp_path: Path) -> None:
    day = "Wed, 02 Jul 2025 08:00:00 GMT"

    def page(handler: Handler) -> None:
        same = handler.headers.get("If-Modified-Since") == day
        handler.answer(304 if same else 200, b"" if same else b"words", Last_Modified=day)

    server.paths["/"] = page
    assert not remembering(server, tmp_path).get(server.url()).unchanged
    again = remembering(server, tmp_path).get(server.url())
    assert (again.body, again.unchanged) == (b"words", True)


def test_the_same_bytes_without_any_name_are_unchanged_too(server: Server, tmp_path: Path) -> None:
    assert not remembering(server, tmp_path).get(server.url()).unchanged
    assert remembering(server, tmp_path).get(server.url()).unchanged
    server.paths["/"] = lambda handler: handler.answer(200, b"other words")
    assert not remembering(server, tmp_path).get(server.url()).unchanged


def test_a_redirected_page_is_remembered_where_it_is(server: Server, tmp_path: Path) -> None:
    server.paths["/old"] = lambda handler: handler.answer(301, Location="/")
    server.paths["/"] = etag
    remembering(server, tmp_path).get(server.url("/old"))
    again = remembering(server, tmp_path).get(server.url("/old"))
    assert (again.unchanged, again.url, len(again.body)) == (True, server.url(), 5000)


@pytest.mark.parametrize("damage", [b"", b"\x1f\x8b", b"rubbish"])
def test_a_damaged_memory_is_as_none(server: Server, tmp_path: Path, damage: bytes) -> None:
    server.paths["/"] = etag
    remembering(server, tmp_path).get(server.url())
    for path in tmp_path.iterdir():
        path.write_bytes(damage)
    assert remembering(server, tmp_path).get(server.url()).body == b"x" * 5000


def test_a_memory_that_lost_its_end_is_thrown_away(server: Server, tmp_path: Path) -> None:
    server.paths["/"] = etag
    remembering(server, tmp_path).get(server.url())
    (path,) = tmp_path.iterdir()
    head, _, _ = gzip.decompress(path.read_bytes()).partition(b"\n")
    path.write_bytes(gzip.compress(head + b"\nother"))
    refused(remembering(server, tmp_path), server.url(), "has been deleted; gather again")
    assert remembering(server, tmp_path).get(server.url()).body == b"x" * 5000


@pytest.mark.parametrize("status", [429, 503])
def test_who_asks_to_be_left_alone_is(server: Server, tmp_path: Path, status: int) -> None:
    server.paths["/"] = lambda handler: handler.answer(status, Retry_After="3600")
    refused(remembering(server, tmp_path), server.url(), f"status {status}.*no more requests until")
    refused(remembering(server, tmp_path), server.url("/more"), "was not requested")
    assert len(server.seen) == 1


def test_a_wait_given_as_a_date_ends(server: Server, tmp_path: Path) -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    server.paths["/"] = lambda handler: handler.answer(429, Retry_After=soon)
    fetcher = remembering(server, tmp_path)
    refused(fetcher, server.url(), "status 429")
    server.paths["/"] = lambda handler: handler.answer(200, b"again")
    refused(fetcher, server.url(), "was not requested")
    time.sleep(2.1)
    assert fetcher.get(server.url()).body == b"again"


def test_who_asks_is_said_honestly(server: Server) -> None:
    asked = {"https://news.example.com": "(+https://news.example.com)", "a\nb": "", "가": ""}
    for agent, said in asked.items():
        server.seen.clear()
        with Fetcher([server.host], agent=agent, tls=TLS) as fetcher:
            fetcher.get(server.url())
        assert server.seen[0].headers["User-Agent"].endswith(said or __version__)


def test_no_more_than_four_at_one_host(server: Server) -> None:
    lock, now, most = threading.Lock(), [0], [0]

    def slow(handler: Handler) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.1)
        with lock:
            now[0] -= 1
        handler.answer(200, b"x")

    server.paths["/"] = slow
    with Fetcher([server.host], tls=TLS, timeout=0.5) as fetcher, ThreadPoolExecutor(24) as pool:
        # Six rounds take longer than a request may: waiting for a place does not count.
        answers = list(pool.map(lambda _: fetcher.get(server.url()), range(24)))
    assert most[0] == 4
    assert all(answer.body == b"x" for answer in answers)


def test_big_answers_wait_on_disk(server: Server) -> None:
    big = b"x" * (8 * MIB)  # the server is in this process, too
    server.paths["/"] = lambda handler: handler.answer(200, big)
    with Fetcher([server.host], tls=TLS) as fetcher, ThreadPoolExecutor(24) as pool:
        before = resident()
        answers = list(pool.map(lambda _: fetcher.get(server.url()), range(24)))
        assert resident() - before < 100 * MIB
    assert all(len(answer.body) == 8 * MIB for answer in answers)


def test_a_tracked_fetcher_records_whether_anything_was_new(server: Server, tmp_path: Path) -> None:
    server.paths["/"] = etag
    for expected in (False, True):
        tracked = remembering(server, tmp_path).tracked()
        assert not tracked.unchanged
        tracked.get(server.url())
        assert tracked.unchanged is expected


def remembering(server: Server, folder: Path) -> Fetcher:
    """A new fetcher with the cache that earlier ones left in the folder."""
    return Fetcher([server.host], cache=folder, tls=TLS)


def resident() -> int:
    """Bytes of memory that this process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
