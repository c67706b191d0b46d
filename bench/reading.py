"""Pages of the archive a second: ``newsletter serve``, asked over connections that stay open."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
LEAST = 1_500  # pages a second, on two processors with the client beside
READERS = 16  # at once, each over one connection
PAGES = 250  # for each of them
RUNS = 3
_ASK = b"GET /issues/2025-07-07 HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Encoding: gzip\r\n\r\n"


def measure() -> float:
    """The median of several runs, over the sample issue as browsers get it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _publish(folder)
        with _serving(folder) as port:
            asyncio.run(_reader(port, 1))
            return statistics.median(asyncio.run(_pages(port)) for _ in range(RUNS))


def _publish(folder: Path) -> None:
    from newsletter.app import open_desk
    from newsletter.app.approval import approve
    from newsletter.app.issue import build
    from newsletter.app.readers import lists
    from newsletter.app.send import plan
    from newsletter.app.send import send as sending
    from newsletter.app.setup.demo import ISSUE

    for part in ("sample", "issues"):
        shutil.copytree(ROOT / part, folder / part)
    shutil.copyfile(ROOT / "newsletter.toml", folder / "newsletter.toml")
    desk = open_desk(folder)
    lists.add(desk, "reader@example.com", "")
    build.build(desk, ISSUE)
    approve.approve(desk, ISSUE)
    sending.send(desk, plan.plan(desk, ISSUE))
    desk.close()


@contextlib.contextmanager
def _serving(folder: Path) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    process = subprocess.Popen(
        [sys.executable, "-m", "newsletter.cli", "-C", str(folder), "serve", "--port", str(port)],
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()


async def _pages(port: int) -> float:
    start = time.perf_counter()
    await asyncio.gather(*(_reader(port, PAGES) for _ in range(READERS)))
    return READERS * PAGES / (time.perf_counter() - start)


async def _reader(port: int, pages: int) -> None:
    """Ask, read all of the answer, and ask again; no more than that, as it costs time, too."""
    incoming, outgoing = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(pages):
        outgoing.write(_ASK)
        head = await incoming.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode("latin-1"))
        _, _, rest = head.lower().partition(b"content-length: ")
        await incoming.readexactly(int(rest.partition(b"\r")[0]))
    outgoing.close()
    await outgoing.wait_closed()
