"""What the tests of the readers' pages share: three newsletters on one server, and their mail."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

import httpx

from newsletter.links.keyring import parse
from newsletter.links.signed_links import reader_keys
from tests import patient
from tests.e2e.approval_pages import part
from tests.e2e.send_processes import until
from tests.e2e.servers import MailServer, closed_port, mail_server
from tests.newsroom import Newsroom, make
from tests.patient import PATIENCE

HOST = "news.example.com"
SECRET = "2:a-secret-of-the-tests"
_KOREAN = {
    'name = "The Weekly Test"': 'name = "주간 시험"\nlanguage = "ko"\nlist = "korean"',
    "https://news.example.com": "https://news.example.com/ko",
}
_OTHER = {
    'name = "The Weekly Test"': 'name = "The Other"',
    "https://news.example.com": "https://other.example.com",
}


@dataclass
class Site:
    """``newsletter serve`` for a newsletter, its sister in the same database, and another."""

    room: Newsroom
    rooms: list[Newsroom]
    url: str
    log: Path
    mails: MailServer
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=PATIENCE))

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.client.get(f"{self.url}{path}", headers={"Host": HOST} | headers)

    def post(self, path: str, host: str = HOST, **fields: str) -> httpx.Response:
        """A form, as a browser sends it, without cookies."""
        self.client.cookies.clear()
        return self.client.post(f"{self.url}{path}", data=fields, headers={"Host": host})

    def signs_up(self, address: str) -> EmailMessage:
        """The mail that a sign-up brings."""
        assert self.post("/subscribe", email=address).status_code == 200
        return self.mail_to(address)

    def mail_to(self, address: str) -> EmailMessage:
        until(lambda: any(mail.recipient == address for mail in self.mails.mails))
        return next(m for m in reversed(self.mails.mails) if m.recipient == address).message

    def settled(self) -> None:
        """Every sign-up is answered, but for those whose mail is not to be taken."""
        waiting = "select count(*) from signups where email <> 'later@example.com'"
        until(lambda: self.ask(waiting) == [(0,)])

    def ask(self, question: str, *values: object) -> list[tuple[object, ...]]:
        """What stands in the database that two of the newsletters share."""
        with contextlib.closing(sqlite3.connect(self.room.folder / "newsletter.db")) as database:
            return database.execute(question, values).fetchall()

    def add(self, address: str) -> tuple[str, str]:
        """A reader of the weekly; their keys, to unsubscribe and for preferences."""
        self.room.run("subscribers", "add", address)
        return self.keys(address)

    def keys(self, address: str) -> tuple[str, str]:
        ((number,),) = self.ask("select id from subscribers where email = ?", address)
        ((list_,),) = self.ask("select id from lists where name = 'weekly'")
        assert isinstance(number, int)
        assert isinstance(list_, int)
        (found,) = reader_keys(parse(SECRET, "here"))([number], list_)
        return found

    def statuses(self, address: str) -> dict[object, object]:
        """List → how the person stands on it."""
        return dict(
            self.ask(
                "select lists.name, status from subscriptions join lists on lists.id = list_id "
                "join subscribers on subscribers.id = subscriber_id where email = ?",
                address,
            )  # type: ignore[arg-type]
        )

    def status(self, address: str) -> object:
        return self.statuses(address).get("weekly")


def link_in(message: EmailMessage) -> str:
    """The path of the one link in both parts of a mail."""
    found = re.findall(rf"https://{re.escape(HOST)}(/\S+/[^\s\"<>]+)", part(message, "plain"))
    found += re.findall(rf'href="https://{re.escape(HOST)}(/[^\s"<>]+)', part(message, "html"))
    (link,) = set(found)
    return str(link)


@contextlib.contextmanager
def serving(folder: Path, newsletters: int = 3) -> Iterator[Site]:
    """The server for the first of these newsletters, until the block ends."""
    port, log = closed_port(), folder / "serve.log"
    url = f"http://127.0.0.1:{port}"
    with mail_server(pipelining=True) as mails:
        rooms = [_room(folder / name) for name in ("weekly", "korean", "other")[:newsletters]]
        shared = f'\n[database]\nurl = "sqlite:///{rooms[0].folder}/newsletter.db"\n'
        looks = (({}, shared), (_KOREAN, shared), (_OTHER, ""))
        for room, (changes, more) in zip(rooms, looks, strict=False):
            room.configure(_more(mails.port) + more, **changes)
            room.write("secret.key", SECRET if more else f"{SECRET}-of-its-own")
        command = [sys.executable, "-m", "newsletter.cli", "serve", "--port", str(port)]
        with log.open("w", encoding="utf-8") as file:
            process = subprocess.Popen(
                [*command, *(str(room.folder) for room in rooms)],
                env=rooms[0].whole_environment(),
                stderr=file,
            )
        try:
            site = Site(rooms[0], rooms, url, log, mails)
            until(lambda: _answers(url))
            yield site
        finally:
            site.client.close()
            process.terminate()
            assert process.wait(PATIENCE) == 0
    assert "Traceback" not in log.read_text(), log.read_text()


def _answers(url: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return patient.get(f"{url}/healthz").status_code == 200
    return False


def _room(folder: Path) -> Newsroom:
    folder.mkdir()
    return make(folder)


def _more(port: int) -> str:
    return (
        f'\n[provider]\ntype = "smtp"\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\n'
        "[public]\nsignups_per_network = 1000\nsignups_per_hour = 1000\n"
    )
