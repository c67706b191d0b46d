"""The preview's state: the newest good build, and the pages that wait for the next one."""

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
from newsletter.check.size import tracked_size
from newsletter.errors import NewsletterError
from newsletter.model import Issue, IssueName
from newsletter.web.preview.file_changes import IssueFiles, Stamp, changes

HEARTBEAT = 15  # seconds between comments to a waiting page


@dataclass(frozen=True)
class GoodBuild:
    """A build that succeeded."""

    number: int  # counts good builds
    built: Built
    at: datetime
    grown: int  # bytes of HTML once a provider counts clicks
    lacks_pictures: bool  # some pictures were never fetched


class LiveIssue:
    """Builds the issue at the start and after every save, and notifies open pages."""

    def __init__(self, desk: Desk, issue: IssueName) -> None:
        self.desk = desk
        self.issue = issue
        self.good: GoodBuild | None = None
        self.error: str | None = None
        self.version = 0
        self._run = secrets.token_hex(4)
        self._reload = False
        self._stop = asyncio.Event()
        self._next_build = asyncio.Event()
        self._following: asyncio.Task[None] | None = None
        self._fetching: asyncio.Task[None] | None = None
        self._building = asyncio.Lock()

    @property
    def version_id(self) -> str:
        """The version, unique over all starts of the preview."""
        return f"{self._run}.{self.version}"

    async def start(self) -> None:
        """Build now, and then after every save."""
        seen = self._files().files()
        await self._rebuild()
        self._following = asyncio.create_task(self._follow(seen))

    async def stream(self) -> AsyncIterator[str]:
        """Server-sent events: the version now, then every new one, with comments in between."""
        seen = 0
        while not self._stop.is_set():
            if seen != self.version:
                seen = self.version
                yield f"event: built\ndata: {self.version_id}\n\n"
                continue
            try:
                await asyncio.wait_for(self._next_build.wait(), HEARTBEAT)
            except TimeoutError:
                yield ": still here\n\n"

    def close(self) -> None:
        """Stop watching and end every stream, so that the server can end."""
        self._stop.set()
        self._next_build.set()

    async def end(self) -> None:
        """``close``, and wait for a running build."""
        self.close()
        if self._following:
            await self._following
        if self._fetching:
            self._fetching.cancel()
        self.desk.close()

    async def _follow(self, seen: dict[Path, Stamp]) -> None:
        async for changed in changes(self._files, seen, self._stop):
            self._reload |= self._files().configuration in changed
            await self._rebuild()

    def _files(self) -> IssueFiles:
        return IssueFiles.of(self.desk.folder, self.issue, self.desk.config.editor.picture)

    async def _rebuild(self) -> None:
        async with self._building:
            good, self.error = await asyncio.to_thread(self._attempt)
            self.good = good or self.good
            self.version += 1
            finished, self._next_build = self._next_build, asyncio.Event()
            finished.set()
        idle = self._fetching is None or self._fetching.done()
        if good and idle and good.lacks_pictures:
            self._fetching = asyncio.create_task(self._fetch(good.built.issue))

    async def _fetch(self, issue: Issue) -> None:
        """Fetch missing pictures; until then the mail is shown without them."""
        try:
            await asyncio.to_thread(hosted_pictures.host, self.desk, issue)
        except (NewsletterError, OSError) as error:
            logging.getLogger(__name__).warning("The pictures were not fetched: %s", error)
            return
        self._fetching = None
        await self._rebuild()

    def _attempt(self) -> tuple[GoodBuild | None, str | None]:
        try:
            if self._reload:
                self.desk.close()
                self.desk = open_desk(self.desk.folder, self.desk.clock)
                self._reload = False
            built = build(self.desk, self.issue, fetch=False)
            grown_bytes = tracked_size(Mail(built.issue, built.rendered, self.desk.config))
            lacks_pictures = hosted_pictures.missing(self.desk, built.issue)
        except NewsletterError as error:
            return None, self._short(str(error))
        except Exception as error:
            logging.getLogger(__name__).debug("The build failed", exc_info=True)
            return None, self._short(
                f"The mail could not be built ({type(error).__name__}: {error}). If you just "
                f"changed a template, check it; otherwise run `newsletter --debug build "
                f"{self.issue}` and report what it prints."
            )
        number = self.good.number + 1 if self.good else 1
        return GoodBuild(
            number, built, self.desk.clock().astimezone(), grown_bytes, lacks_pictures
        ), None

    def _short(self, message: str) -> str:
        """The message with paths relative to the newsroom's folder."""
        folders = {self.desk.folder, self.desk.folder.absolute(), self.desk.folder.resolve()}
        for folder in folders:
            if folder.is_absolute():
                message = message.replace(f"{folder}{os.sep}", "")
        return message
