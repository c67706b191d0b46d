"""The archive as it is kept: new at once, made once, and served while the database is away."""

from __future__ import annotations

import asyncio
from pathlib import Path

import feedparser
import httpx
import pytest
from sqlalchemy import text

from newsletter.app import Desk, open_desk
from newsletter.model import IssueText, StoryText
from newsletter.store import archive
from newsletter.web.public import archive_cache, server
from tests.ledgers import freeze
from tests.patient import PATIENCE

CONFIG = """\
[newsletter]
name = "N"
from = "N <n@example.com>"
address = "1 Example Street"
base_url = "https://news.example.com/letters"
[[sources]]
type = "feed"
path = "feed.xml"
"""
SAID = IssueText(
    "Subject", "p\x0b </script>\ufffe", "", None, (StoryText("A ]]> B \x0b", "<b>", None),)
)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    (tmp_path / "newsletter.toml").write_text(CONFIG, encoding="utf-8")
    return open_desk(tmp_path)


def publish(desk: Desk) -> None:
    send = freeze(desk.database, 1)
    with desk.database.begin() as connection:
        archive.save_text(connection, send.send.id, SAID, "en")


def browser(desk: Desk) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(server.create_app(desk))  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")


def test_a_new_issue_is_there_within_a_second_and_made_once(desk: Desk) -> None:
    async def look() -> None:
        async with browser(desk) as reader:
            assert (await reader.get("/issues/2025-07-07")).status_code == 404
            publish(desk)
            async with asyncio.timeout(PATIENCE):
                while (first := await reader.get("/issues/2025-07-07")).status_code == 404:
                    await asyncio.sleep(0.02)
            assert archive_cache.FRESH <= 1
            asked = [reader.get("/issues/2025-07-07") for _ in range(50)]
            assert {answer.content for answer in await asyncio.gather(*asked)} == {first.content}
            assert 'href="/letters/"' in first.text  # below the path of base_url
            for feed in ("/atom.xml", "/feed.xml"):
                found = feedparser.parse((await reader.get(feed)).content)
                assert not found.bozo
                assert "<h3>A ]]&gt; B </h3>" in found.entries[0].content[0].value

    asyncio.run(look())
    desk.close()


def test_what_was_known_is_served_while_the_database_is_away(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_cache, "FRESH", 0.0)
    publish(desk)

    async def look() -> None:
        async with browser(desk) as reader, browser(desk) as late:
            before = await reader.get("/issues/2025-07-07")
            desk.database.close()
            for file in desk.folder.glob("newsletter.db*"):
                file.unlink()
            (desk.folder / "newsletter.db").mkdir()
            again = await reader.get("/issues/2025-07-07")
            assert (again.status_code, again.content) == (200, before.content)
            assert (await reader.get("/search?q=rain")).status_code == 503
            assert (await late.get("/")).status_code == 503

    asyncio.run(look())
    desk.close()


def test_without_base_url_there_are_pages_and_no_feeds(tmp_path: Path) -> None:
    bare = "\n".join(line for line in CONFIG.splitlines() if not line.startswith("base_url"))
    (tmp_path / "newsletter.toml").write_text(bare, encoding="utf-8")
    desk = open_desk(tmp_path)
    publish(desk)

    async def look() -> None:
        async with browser(desk) as reader:
            issue = (await reader.get("/issues/2025-07-07")).text
            assert 'href="/"' in issue
            assert "feed.xml" not in issue
            front = (await reader.get("/")).text
            assert 'href="/issues/2025-07-07"' in front
            assert "feed.xml" not in front
            for path in ("/feed.xml", "/atom.xml", "/feed.json", "/sitemap.xml"):
                assert (await reader.get(path)).status_code == 404

    asyncio.run(look())
    desk.close()


def test_what_mails_say_to_outlook_alone_stands_on_no_page(desk: Desk) -> None:
    publish(desk)
    html = "<!--[if mso]><table><tr><td>Outlook<![endif]--><p>words</p><!-- a note -->"
    with desk.database.begin() as connection:
        connection.execute(text("update sends set html = :html"), {"html": html})

    async def look() -> None:
        async with browser(desk) as reader:
            page = (await reader.get("/issues/2025-07-07")).text
            assert "words" in page
            assert "<!--" not in page
            assert "Outlook" not in page

    asyncio.run(look())
    desk.close()
