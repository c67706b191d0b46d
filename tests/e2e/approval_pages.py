"""What the tests of approval by link share: the public pages at work, and links out of mails."""

from __future__ import annotations

import contextlib
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8
from pathlib import Path

import httpx

from tests import patient
from tests.e2e.send_processes import ISSUE, running, until
from tests.e2e.servers import closed_port
from tests.newsroom import Newsroom

BASE = "https://news.example.com"


@dataclass
class Pages:
    """``newsletter serve`` under way."""

    room: Newsroom
    url: str

    def link(self, of: str = "tests") -> str:
        """The link in the newest test (or alert), as it is reached here."""
        return self.url + link_in(newest(self.room, of)).removeprefix(BASE)

    def press(self, link: str) -> httpx.Response:
        """What the page's button does."""
        return patient.post(link, data={"approve": "yes"})

    def approval(self) -> str:
        """What stands in the way of the issue for want of an approval; "" for nothing."""
        said = self.room.json("status")["waiting"]
        return " ".join(line for line in said if "approved" in line)


@contextlib.contextmanager
def serving(room: Newsroom) -> Iterator[Pages]:
    """The public pages, until the block ends."""
    port = closed_port()
    url = f"http://127.0.0.1:{port}"

    def up() -> bool:
        try:
            return patient.get(f"{url}/approve/page.css").status_code == 200
        except httpx.HTTPError:
            return False

    with running(room, "serve", "--port", str(port)):
        until(up)
        yield Pages(room, url)


def drafted(room: Newsroom, more: str = "") -> Newsroom:
    """A newsroom whose next issue is ``ISSUE``, with a draft of it and a test to its editor."""
    room.configure(more)
    room.run("gather", ISSUE)
    room.run("build", ISSUE)
    room.run("test", ISSUE)
    return room


def newest(room: Newsroom, of: str) -> EmailMessage:
    files = sorted((room.folder / "outbox" / of).glob("*.eml"), key=lambda p: p.stat().st_mtime_ns)
    return parsed(files[-1])


def parsed(path: Path) -> EmailMessage:
    message = message_from_bytes(path.read_bytes(), policy=SMTPUTF8)
    assert isinstance(message, EmailMessage)
    return message


def part(message: EmailMessage, subtype: str) -> str:
    found = message.get_body((subtype,))
    assert isinstance(found, EmailMessage)
    return str(found.get_content())


def link_in(message: EmailMessage) -> str:
    """The one link to approve in both parts of a mail."""
    found = set(re.findall(r"https://\S+/approve/[^\s\"<>]+", part(message, "plain")))
    found |= set(
        re.findall(r"https://[^\s\"]+/approve/[^\s\"<>]+", html.unescape(part(message, "html")))
    )
    (link,) = found
    return str(link)
