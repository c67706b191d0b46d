"""The archive in memory: a snapshot of the database, and the pages rendered from it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool

from newsletter.app import Desk
from newsletter.app.archive import past_issues
from newsletter.errors import NewsletterError
from newsletter.model import Published
from newsletter.web.public.cached_response import CachedResponse

log = logging.getLogger(__name__)

FRESH = 1.0  # seconds before the database is asked again whether anything changed
MAX_BYTES = 48_000_000  # of rendered pages; the least recently used go first


@dataclass
class Snapshot:
    """The archive at one moment."""

    desk: Desk
    version: object  # changes whenever the archive shows something else
    issues: list[Published]  # newest first
    pages: OrderedDict[str, CachedResponse] = field(default_factory=OrderedDict)  # by path
    bytes: int = 0  # of the pages

    def __post_init__(self) -> None:
        self.by_name = {str(issue.issue): issue for issue in self.issues}

    def find(self, name: str) -> Published | None:
        """The issue of that name."""
        return self.by_name.get(name)


Render = Callable[[Snapshot, str], CachedResponse | None]


class ArchiveCache:
    """Asks the database for changes at most once a second, however many requests come."""

    def __init__(self, current: Callable[[], Desk]) -> None:
        self._current = current
        self._snapshot: Snapshot | None = None
        self._checked_at = float("-inf")
        self._checking = asyncio.Lock()

    async def snapshot(self) -> Snapshot:
        """The archive, at most a second old; older while the database does not answer.

        Raises NewsletterError if the database has never answered.
        """
        snapshot = self._snapshot
        if snapshot is not None and time.monotonic() - self._checked_at < FRESH:
            return snapshot
        async with self._checking:
            if self._snapshot is None or time.monotonic() - self._checked_at >= FRESH:
                try:
                    self._snapshot = await run_in_threadpool(self._read)
                except NewsletterError as error:
                    if self._snapshot is None:
                        raise
                    log.warning("Serving the archive as it was: %s", error)
                self._checked_at = time.monotonic()
            return self._snapshot

    async def page(self, path: str, render: Render) -> CachedResponse | None:
        """The page of that path, from memory or rendered now; None if there is none."""
        snapshot = await self.snapshot()
        if (cached := snapshot.pages.get(path)) is not None:
            snapshot.pages.move_to_end(path)
            return cached
        page = await run_in_threadpool(render, snapshot, path)
        if page is not None and path not in snapshot.pages:
            snapshot.pages[path] = page
            snapshot.bytes += len(page)
            while snapshot.bytes > MAX_BYTES:
                _, evicted = snapshot.pages.popitem(last=False)
                snapshot.bytes -= len(evicted)
        return page

    def _read(self) -> Snapshot:
        desk, previous = self._current(), self._snapshot
        version = past_issues.version(desk)
        if previous is not None and previous.desk is desk and version == previous.version:
            return previous
        return Snapshot(desk, version, past_issues.published(desk))
