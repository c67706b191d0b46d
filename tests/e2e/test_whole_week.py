"""A whole week by itself: gather, reminder, approval by the link in the mail, send, receipt."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import uvicorn

from newsletter.app import open_desk
from newsletter.app.clock.timetable_pass import tick_and_ping
from newsletter.app.readers import lists
from newsletter.web.public import server as public_server
from tests import patient
from tests.clocked_newsroom import FRIDAY, ISSUE, MONDAY
from tests.e2e.publisher import publisher
from tests.e2e.servers import mail_server
from tests.newsroom import Newsroom, addresses, feed
from tests.patient import PATIENCE

HALF_AN_HOUR = timedelta(minutes=30)
SETTINGS = """
[schedule]
gather = ["wed 12:00", "fri 15:00"]
remind = "sun 18:00"
deadline = "mon 06:00"
send = "mon 07:00"
[gather]
allow_hosts = ["{site}"]
[provider]
type = "smtp"
host = "127.0.0.1"
port = {port}
security = "none"
[alerts]
ping_url = "http://{site}/ping"
"""


class Clock:
    """The time of the week."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@contextlib.contextmanager
def served(folder: Path, clock: Clock) -> Iterator[str]:
    """The public pages as `newsletter serve` has them, at the week's own time."""
    desk = open_desk(folder, clock)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(public_server.create_app(desk), log_level="warning", ws="none")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(PATIENCE)
            desk.close()


def test_a_week_from_the_first_gather_to_the_receipt(tmp_path: Path) -> None:
    clock = Clock(FRIDAY - timedelta(days=2, hours=4))
    room = Newsroom(tmp_path)
    with publisher({"/ping": "OK"}) as site, mail_server() as post:
        room.configure(
            SETTINGS.format(site=site.host, port=post.port),
            **{'path = "feed.xml"': f'url = "{site.url}/feed.xml"'},
        )
        site.pages["/feed.xml"] = feed(["One", "Two"], FRIDAY - timedelta(days=2, hours=4))
        desk = open_desk(tmp_path, clock)
        for address in addresses(9):
            lists.add(desk, address, "")
        looks = 0
        with served(tmp_path, clock) as pages:
            while clock.now <= MONDAY + timedelta(hours=1):
                tick_and_ping(desk, threading.Event())
                looks += 1
                if clock.now == MONDAY - timedelta(hours=10):  # the editor reads on Sunday evening
                    approve(link_in(to_editor(post.mails)[-1]), pages)
                clock.now += HALF_AN_HOUR
        desk.close()
        assert site.asked.count("/ping") == looks
        editor = [str(mail["Subject"]) for mail in to_editor(post.mails)]
    assert editor == [
        "[TEST] One",
        "The draft for Jul 7 is ready",
        "[TEST] One",  # of the second gather, which changed nothing
        "The issue of Jul 7 is not approved yet",
    ]
    readers = Counter(m.recipient for m in post.mails if m.recipient != "editor@example.com")
    assert readers == Counter(addresses(9))
    receipt = room.json("receipt", f"{ISSUE}")
    assert (receipt["state"], receipt["accepted"], receipt["eligible"]) == ("done", 9, 9)
    told = room.json("status")["occurrences"]
    assert sorted((each["kind"], each["state"]) for each in told) == [
        *(("deadline", "done"), ("gather", "done"), ("gather", "done")),
        *(("remind", "done"), ("send", "done")),
    ]  # fmt: skip


def to_editor(mails: list) -> list[EmailMessage]:  # type: ignore[type-arg]
    return [mail.message for mail in mails if mail.recipient == "editor@example.com"]


def link_in(mail: EmailMessage) -> str:
    text = mail.get_body(("plain",))
    assert text
    (link,) = re.findall(r"https://news\.example\.com(/approve/\S+)", text.get_content())
    return str(link)


def approve(link: str, pages: str) -> None:
    """Look, and press the button."""
    seen = patient.get(pages + link)
    assert seen.status_code == 200
    assert "Approve this issue" in seen.text
    done = patient.post(pages + link, data={"approve": "yes"}, follow_redirects=True)
    assert done.status_code == 200
    assert "is approved" in done.text
