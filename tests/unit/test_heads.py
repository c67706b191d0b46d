"""HEAD is answered as GET is, with the same length, and without the body."""

from __future__ import annotations

import socket
from pathlib import Path

import httpx

from newsletter.app import open_desk
from newsletter.links.keyring import keyring
from newsletter.links.signed_links import Purpose, ReaderClaim, reader_key
from newsletter.model import IssueText
from newsletter.store import archive
from tests.ledgers import freeze
from tests.patient import PATIENCE
from tests.public_pages import served
from tests.unit.test_shelf import CONFIG

PICTURE = "0123456789abcdef0123.jpg"
BELOW = "/letters"


def test_every_public_address_answers_head_with_the_length_of_its_page(tmp_path: Path) -> None:
    (tmp_path / "newsletter.toml").write_text(CONFIG, encoding="utf-8")
    desk = open_desk(tmp_path)
    send = freeze(desk.database, 1)
    with desk.database.begin() as connection:
        said = IssueText("Subject", "preheader", "note " * 500, None, ())
        archive.save_text(connection, send.send.id, said, "en")
    pictures = tmp_path / "issues" / "2025-07-07" / "pictures"
    pictures.mkdir(parents=True)
    (pictures / PICTURE).write_bytes(b"\xff\xd8" + bytes(3_000))
    keys = {
        purpose: reader_key(keyring(tmp_path), purpose, ReaderClaim(1, send.list_id))
        for purpose in Purpose
    }
    found = (
        "/", "/?page=1", "/issues/2025-07-07", f"/issues/2025-07-07/pictures/{PICTURE}",
        "/feed.xml", "/atom.xml", "/feed.json", "/sitemap.xml", "/robots.txt", "/search?q=note",
        "/subscribe", "/openapi.json", "/healthz", f"/unsubscribe/{keys[Purpose.UNSUBSCRIBE]}",
        f"/preferences/{keys[Purpose.PREFERENCES]}",
    )  # fmt: skip
    missing = ("/issues/2025-07-14", "/nothing", "/unsubscribe/none", "/confirm/none")
    with served(desk) as url, httpx.Client(base_url=url) as browser:
        for path in (*found, *missing):
            for coding in ("identity", "gzip"):
                asked = {"Accept-Encoding": coding}
                below = "" if path in ("/openapi.json", "/healthz") else BELOW
                page = browser.get(below + path, headers=asked)
                head = browser.head(below + path, headers=asked)
                assert (page.status_code < 400) == (path in found), path
                assert head.status_code == page.status_code, path
                same = (
                    "content-length",
                    "content-type",
                    "content-encoding",
                    "etag",
                    "cache-control",
                )
                for name in same:
                    assert head.headers.get(name) == page.headers.get(name), (path, name)
                assert int(head.headers["content-length"]) > 0, path
                assert head.content == b""
        page = browser.get(f"{BELOW}/issues/2025-07-07")
        known = {"If-None-Match": page.headers["etag"]}
        for method in ("GET", "HEAD"):
            again = browser.request(method, f"{BELOW}/issues/2025-07-07", headers=known)
            assert (again.status_code, again.content) == (304, b"")
        _nothing_follows_a_head(url)
    desk.close()


def _nothing_follows_a_head(url: str) -> None:
    """On the wire: whoever sends a body there breaks the next answer on that connection."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as wire:
        request = f"HEAD {BELOW}/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        wire.sendall(request.encode())
        said = b""
        while piece := wire.recv(65_536):
            said += piece
    assert said.endswith(b"\r\n\r\n")
    assert said.count(b"\r\n\r\n") == 1
