"""A hundred feeds, each answering after half a second: our gather against the least there is to do.

The least is to fetch them all at once and to parse each with feedparser, nothing else.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from zoneinfo import ZoneInfo

FEEDS = 100
ITEMS = 30
WAIT = 0.5  # seconds until an answer
RUNS = 3

_WORDS = "The council of the made-up city met on Tuesday and talked about its parks. "
_ITEM = """<item><title>Report {n} of paper {feed}: what the council said</title>
<link>https://paper{feed}.example.com/{n}?utm_source=rss</link>
<guid isPermaLink="false">{feed}-{n}</guid><pubDate>{date}</pubDate><dc:creator>Sam Lee</dc:creator>
<media:content url="https://paper{feed}.example.com/{n}.jpg" width="1200" medium="image"/>
<description>&lt;p&gt;{summary}&lt;/p&gt;</description>
<content:encoded><![CDATA[<p>{body}</p>]]></content:encoded></item>"""


def measure() -> tuple[float, float, float]:
    """Seconds (medians) of the least there is to do, of a first gather, and of a second one."""
    with _publishers() as urls:
        least = statistics.median(_timed(lambda: _least(urls)) for _ in range(RUNS))
        first, second = [], []
        for _ in range(RUNS):
            with tempfile.TemporaryDirectory() as cache:
                first.append(_timed(lambda folder=cache: _ours(urls, Path(folder))))
                second.append(_timed(lambda folder=cache: _ours(urls, Path(folder))))
    return least, statistics.median(first), statistics.median(second)


def _least(urls: list[str]) -> None:
    import feedparser

    def fetched(url: str) -> bytes:
        with urllib.request.urlopen(url) as answer:
            body: bytes = answer.read()
            return body

    with ThreadPoolExecutor(len(urls)) as pool:
        bodies = list(pool.map(fetched, urls))
    found = sum(len(feedparser.parse(body).entries) for body in bodies)
    if found != FEEDS * ITEMS:
        raise RuntimeError(f"{found} entries")


def _ours(urls: list[str], cache: Path) -> None:
    from newsletter.gather import Visited, gather
    from newsletter.http import Fetcher
    from newsletter.model import Window
    from newsletter.sources import Surroundings
    from newsletter.sources.feed import FeedSource

    now = datetime.now(UTC)
    hosts = [url.split("/")[2] for url in urls]
    with Fetcher(hosts, cache=cache) as fetcher:
        around = Surroundings(Path(), ZoneInfo("UTC"), fetcher)
        sources = [
            Visited(options, partial(FeedSource, options, around))
            for options in (FeedSource.Options(type="feed", url=url, limit=ITEMS) for url in urls)
        ]
        found = gather(sources, Window(now - timedelta(days=7), now), now)
    if len(found.articles) != FEEDS * ITEMS:
        raise RuntimeError(f"{len(found.articles)} articles, {found.sources[0].reason}")


def _timed(work: object) -> float:
    start = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - start


@contextmanager
def _publishers() -> Iterator[list[str]]:
    """A hundred addresses of loopback, served by a process of their own."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,))
    process.start()
    port = ours.recv()
    try:
        yield [f"http://127.0.0.{n}:{port}/feed" for n in range(1, FEEDS + 1)]
    finally:
        process.terminate()
        process.join()


def _serve(pipe: Connection) -> None:
    asyncio.run(_serving(pipe))


async def _serving(pipe: Connection) -> None:
    bodies = [_feed(n) for n in range(1, FEEDS + 1)]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        number = int(writer.get_extra_info("sockname")[0].rsplit(".", 1)[1])
        await asyncio.sleep(WAIT)
        if b"if-none-match" in request.lower():
            head, body = "HTTP/1.1 304 Not Modified\r\n", b""
        else:
            head, body = "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n", bodies[number - 1]
        writer.write(
            f'{head}ETag: "{number}"\r\nContent-Length: {len(body)}\r\n'
            "Connection: close\r\n\r\n".encode()
            + body
        )
        await writer.drain()
        writer.close()

    hosts = [f"127.0.0.{n}" for n in range(1, FEEDS + 1)]
    first = await asyncio.start_server(answer, hosts[0], 0)
    port = first.sockets[0].getsockname()[1]
    await asyncio.start_server(answer, hosts[1:], port)
    pipe.send(port)
    await asyncio.Event().wait()


def _feed(feed: int) -> bytes:
    newest = datetime.now(UTC) - timedelta(hours=1)
    items = "".join(
        _ITEM.format(
            n=n,
            feed=feed,
            date=format_datetime(newest - timedelta(minutes=n)),
            summary=_WORDS * 4,
            body="</p>\n<p>".join([_WORDS * 5] * 8),
        )
        for n in range(ITEMS)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:media="http://search.yahoo.com/mrss/" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
        f"<title>Paper {feed}</title><link>https://paper{feed}.example.com/</link>"
        f"<description>d</description>{items}</channel></rss>"
    ).encode()
