"""A preview in a newsroom of one issue, run as editors run it, and a browser that looks at it."""

from __future__ import annotations

import re
import signal
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, Route, expect

from newsletter import issues
from newsletter.model import Article, Gathered, IssueName, Window
from tests import patient
from tests.forked import Forked
from tests.newsroom import Newsroom, make
from tests.patient import PATIENCE

ISSUE = "2025-07-07"
SUBJECT = "Night market back on Olympic"


def png(width: int = 40, height: int = 30) -> bytes:
    """A grey picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\x99" * width) * height)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


# --- a newsroom, a preview of it, a browser on it ------------------------------------------


def newsroom(folder: Path) -> Newsroom:
    """One issue of eight stories, with a picture on the web and one of its own."""
    room = make(folder)
    end = datetime(2025, 7, 4, 22, tzinfo=UTC)
    articles = [
        Article(
            id=f"story-{number}",
            title=f"Headline number {number}",
            source="feed.xml",
            url=f"https://www.example.com/{number}",
            blurb="What happened, told in one sentence that fills a line or two.",
            published=end - timedelta(hours=number),
            section="News",
            image="https://pictures.example.com/one.png" if number == 1 else None,
            caption="Lanterns" if number == 1 else None,
        )
        for number in range(1, 9)
    ]
    issue = issues.folder_of(folder, IssueName.parse(ISSUE))
    window = Window(end - timedelta(days=7), end)
    issues.write_gathered(issue, Gathered(window, end, tuple(articles)))
    issues.draft(
        issue,
        IssueName.parse(ISSUE),
        articles,
        newsletter="The Weekly Test",
        most=15,
        untitled="This week",
        sections=["News"],
    )
    write_issue(room, subject=SUBJECT)
    room.write(note(), "The first note.\n\n![A plan of the market](images/plan.png)\n")
    (issue / "images").mkdir()
    (issue / "images" / "plan.png").write_bytes(png())
    return room


def note() -> str:
    return f"issues/{ISSUE}/note.md"


def write_issue(room: Newsroom, subject: str) -> None:
    path = room.folder / "issues" / ISSUE / "issue.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r"(?m)^subject = .*$", f'subject = "{subject}"', text), "utf-8")


@dataclass
class Preview:
    """A running preview."""

    room: Newsroom
    process: Forked
    address: str

    @property
    def origin(self) -> str:
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def port(self) -> int:
        return urlsplit(self.address).port or 0

    @property
    def token(self) -> str:
        return parse_qs(urlsplit(self.address).query)["token"][0]

    def get(self, path: str, **headers: str) -> httpx.Response:
        """One request with the cookie of somebody who was let in."""
        cookie = {"Cookie": f"preview-{self.port}={self.token}"}
        return patient.get(f"{self.origin}{path}", headers=cookie | headers)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        said = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, said
        assert said == ("", ""), said


@contextmanager
def previewing(room: Newsroom, port: int = 0) -> Iterator[Preview]:
    process = room.start("preview", ISSUE, "--port", str(port), "--no-open")
    try:
        assert process.stdout
        line = process.stdout.readline()
        match = re.fullmatch(rf"Preview of {ISSUE}: (http://127\.0\.0\.1:\d+/\?token=\S+)\n", line)
        assert match, (line, process.communicate(timeout=PATIENCE) if not line else "")
        preview = Preview(room, process, match[1])
        yield preview
        if process.poll() is None:
            preview.stop()
    finally:
        process.kill()
        process.communicate()


@dataclass
class Seen:
    """An editor's browser, and what it complained of and asked others for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def mail(self) -> FrameLocator:
        return self.page.frame_locator("iframe.mail")

    def press(self, name: str) -> None:
        """A tab or a button, by its words."""
        tab = self.page.get_by_role("tab", name=name, exact=True)
        tab.or_(self.page.get_by_role("button", name=name, exact=True)).click()

    def outside(self, route: Route) -> None:
        self.asked.append((route.request.resource_type, route.request.url))
        if route.request.resource_type == "image":
            route.fulfill(body=png(), content_type="image/png")
        else:
            route.abort()


@contextmanager
def looking(
    browser: Browser | BrowserContext, preview: Preview, width: int = 1280
) -> Iterator[Seen]:
    page = browser.new_page()
    page.set_viewport_size({"width": width, "height": 800})
    page.set_default_timeout(PATIENCE * 1000)
    seen = Seen(page)
    page.on("console", lambda m: seen.complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    page.route(lambda url: not url.startswith(preview.origin), seen.outside)
    try:
        page.goto(preview.address)
        expect(page.get_by_text("Follows every save by itself")).to_be_visible()
        yield seen
        assert not seen.complaints
        assert all(kind == "image" for kind, _ in seen.asked), seen.asked
    finally:
        page.close()
