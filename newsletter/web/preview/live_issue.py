"""The preview's state: the newest mail that could be built, and who waits for the next one."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from newsletter.app import Desk, open_desk
from newsletter.app.issue import hosted_pictures
from newsletter.app.issue.build import Built, build
from newsletter.check import Mail
from newsletter.check.size import grown
from newsletter.errors import NewsletterError
from newsletter.model import Issue, IssueName
from newsletter.web.preview.file_changes import Stamp, Watched, changes

HEARTBEAT = 15  # seconds between two signs of life to a waiting page


@dataclass(frozen=True)
class Good:
    """A mail that could be built. ``number`` counts them, so that a page knows a new one."""

    number: int
    built: Built
    at: datetime
    grown: int  # bytes of its HTML, once a provider counts clicks
    lacks: bool  # pictures from the network that were never asked for


class Live:
    """Builds the issue at the start and after every save, and tells the pages that are open."""

    def __init__(self, desk: Desk, issue: IssueName) -> None:
        self.desk = desk
        self.issue = issue
        self.good: Good | None = None
        self.error: str | None = None
        self.version = 0
        self._run = secrets.token_hex(4)
        self._reload = False
        self._stop = asyncio.Event()
        self._turn = asyncio.Event()
        self._following: asyncio.Task[None] | None = None
        self._fetching: asyncio.Task[None] | None = None
        self._building = asyncio.Lock()

    @property
    def mark(self) -> str:
        """The version, and which start of the preview counts it: no two starts say the same."""
        return f"{self._run}.{self.version}"

    async def start(self) -> None:
        """Build for the first time, and from then on after every save."""
        seen = self._watched().files()
        await self._renew()
        self._following = asyncio.create_task(self._follow(seen))

    async def stream(self) -> AsyncIterator[str]:
        """Server-sent events: the mark now, then every new one; comments in between."""
        seen = 0
        while not self._stop.is_set():
            if seen != self.version:
                seen = self.version
                yield f"event: built\ndata: {self.mark}\n\n"
                continue
            try:
                await asyncio.wait_for(self._turn.wait(), HEARTBEAT)
            except TimeoutError:
                yield ": still here\n\n"

    def close(self) -> None:
        """End the watching and every stream, so that the server can end."""
        self._stop.set()
        self._turn.set()

    async def end(self) -> None:
        """``close``, and wait for a build that is under way."""
        self.close()
        if self._following:
            await self._following
        if self._fetching:
            self._fetching.cancel()
        self.desk.close()

    async def _follow(self, seen: dict[Path, Stamp]) -> None:
        async for changed in changes(self._watched, seen, self._stop):
            self._reload |= self._watched().configuration in changed
            await self._renew()

    def _watched(self) -> Watched:
        return Watched.of(self.desk.folder, self.issue, self.desk.config.editor.picture)

    async def _renew(self) -> None:
        async with self._building:
            good, self.error = await asyncio.to_thread(self._attempt)
            self.good = good or self.good
            self.version += 1
            turn, self._turn = self._turn, asyncio.Event()
            turn.set()
        idle = self._fetching is None or self._fetching.done()
        if good and idle and good.lacks:
            self._fetching = asyncio.create_task(self._fetch(good.built.issue))

    async def _fetch(self, issue: Issue) -> None:
        """Get the pictures that are not there yet; the mail is shown without them meanwhile."""
        try:
            await asyncio.to_thread(hosted_pictures.host, self.desk, issue)
        except (NewsletterError, OSError) as error:
            logging.getLogger(__name__).warning("The pictures were not fetched: %s", error)
            return
        self._fetching = None
        await self._renew()

    def _attempt(self) -> tuple[Good | None, str | None]:
        try:
            if self._reload:
                self.desk.close()
                self.desk = open_desk(self.desk.folder, self.desk.clock)
                self._reload = False
            built = build(self.desk, self.issue, fetch=False)
            grown_bytes = grown(Mail(built.issue, built.rendered, self.desk.config))
            lacks = hosted_pictures.missing(self.desk, built.issue)
        except NewsletterError as error:
            return None, self._short(str(error))
        except Exception as error:
            logging.getLogger(__name__).debug("The build failed", exc_info=True)
            return None, self._short(
                f"The mail could not be made ({type(error).__name__}: {error}). If you changed a "
                f"template just now, look there; else run `newsletter --debug build {self.issue}` "
                f"and report what it prints."
            )
        number = self.good.number + 1 if self.good else 1
        return Good(number, built, self.desk.clock().astimezone(), grown_bytes, lacks), None

    def _short(self, message: str) -> str:
        """The message with paths as they are seen from the newsroom's folder."""
        folders = {self.desk.folder, self.desk.folder.absolute(), self.desk.folder.resolve()}
        for folder in folders:
            if folder.is_absolute():
                message = message.replace(f"{folder}{os.sep}", "")
        return message
