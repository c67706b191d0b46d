"""The archive as it is served: what its pages show, and the pages that were made of it."""

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
from newsletter.web.public.cached_response import Answer

log = logging.getLogger(__name__)

FRESH = 1.0  # seconds in which nobody looks whether something has changed
MOST = 48_000_000  # bytes of made pages; what was asked for least lately goes first


@dataclass
class Stand:
    """The archive at one moment. ``pages``: what was made of it so far, by path."""

    desk: Desk
    mark: object
    issues: list[Published]
    pages: OrderedDict[str, Answer] = field(default_factory=OrderedDict)
    bytes: int = 0

    def __post_init__(self) -> None:
        self.by_name = {str(issue.issue): number for number, issue in enumerate(self.issues)}

    def find(self, name: str) -> Published | None:
        """The issue of that name."""
        number = self.by_name.get(name)
        return None if number is None else self.issues[number]


Make = Callable[[Stand, str], Answer | None]


class Shelf:
    """Looks at the database at most once a second, in whatever number of requests."""

    def __init__(self, current: Callable[[], Desk]) -> None:
        self._current = current
        self._stand: Stand | None = None
        self._looked = float("-inf")
        self._looking = asyncio.Lock()

    async def stand(self) -> Stand:
        """The archive, a second old at most; older where the database does not answer just now.

        Raises NewsletterError where it has never answered.
        """
        stand = self._stand
        if stand is not None and time.monotonic() - self._looked < FRESH:
            return stand
        async with self._looking:
            if self._stand is None or time.monotonic() - self._looked >= FRESH:
                try:
                    self._stand = await run_in_threadpool(self._look)
                except NewsletterError as error:
                    if self._stand is None:
                        raise
                    log.warning("The archive is served as it was: %s", error)
                self._looked = time.monotonic()
            return self._stand

    async def page(self, path: str, make: Make) -> Answer | None:
        """What is kept for the path, or made now; None where there is nothing."""
        stand = await self.stand()
        if (known := stand.pages.get(path)) is not None:
            stand.pages.move_to_end(path)
            return known
        made = await run_in_threadpool(make, stand, path)
        if made is not None and path not in stand.pages:
            stand.pages[path] = made
            stand.bytes += len(made)
            while stand.bytes > MOST:
                _, gone = stand.pages.popitem(last=False)
                stand.bytes -= len(gone)
        return made

    def _look(self) -> Stand:
        desk, before = self._current(), self._stand
        mark = past_issues.mark(desk)
        if before is not None and before.desk is desk and mark == before.mark:
            return before
        return Stand(desk, mark, past_issues.published(desk))
