"""One newsletter, opened: its configuration, and its parts as they are needed."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parseaddr
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from newsletter import config, issues, providers, schedule, sources
from newsletter.config import Config, Database
from newsletter.errors import ContentError, NotReadyError
from newsletter.http import Fetcher
from newsletter.language import Language
from newsletter.model import Issue, IssueName

if TYPE_CHECKING:
    from newsletter import store
    from newsletter.providers import Provider
    from newsletter.store import Connection
    from newsletter.store.sends import Frozen

CACHE = ".cache"

P = ParamSpec("P")
T = TypeVar("T")

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The clock of the machine."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Desk:
    """What every use of the program starts from."""

    config: Config
    clock: Clock = utc_now

    @property
    def folder(self) -> Path:
        """Where newsletter.toml lies."""
        return self.config.folder

    @property
    def name(self) -> str:
        """The newsletter's name, which marks its rows in the database."""
        return self.config.newsletter.name

    @cached_property
    def language(self) -> Language:
        """The newsletter's language."""
        return Language(self.config.newsletter.language)

    @cached_property
    def database(self) -> store.Database:
        """The database, made and migrated at first use."""
        from newsletter.store import open_database

        return open_database(self.config.database.url, self.folder)

    def read(
        self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What a function of the store returns, called with a connection for reading.

        The connection is closed then, so a function that yields rows needs ``reading``.
        """
        with self.reading() as connection:
            return function(connection, *args, **kwargs)

    def reading(self) -> AbstractContextManager[Connection]:
        """A view of the database at one moment; it never waits for a writer."""
        return self.database.read()

    def writing(self, *, waits: bool = True) -> AbstractContextManager[Connection]:
        """One transaction: all of it is kept, or nothing. ``waits``: see ``Database.begin``."""
        return self.database.begin(waits=waits)

    @cached_property
    def provider(self) -> Provider:
        """The adaptor to the email service; raises ConfigError where a secret is missing."""
        return providers.build(self.config.provider, self.folder)

    @cached_property
    def alerts_provider(self) -> Provider:
        """The adaptor that alerts go through; raises ConfigError where a secret is missing."""
        other = self.config.alerts_provider
        return providers.build(other, self.folder) if other else self.provider

    def fetcher(self, purpose: str = "gather") -> Fetcher:
        """Fetches pages, with a cache below ``.cache/``.

        Each purpose has its own cache, so "unchanged" means since the last gather.
        """
        newsletter = self.config.newsletter
        return Fetcher(
            self.config.gather.allow_hosts,
            cache=self.folder / CACHE / purpose,
            agent=newsletter.base_url or parseaddr(newsletter.reply_to or newsletter.sender)[1],
        )

    def next_issue(self) -> IssueName:
        """The next issue due."""
        config = self.config
        return schedule.next_issue(config.schedule, config.zone, self.clock(), self.moved())

    def moved(self) -> dict[IssueName, datetime]:
        """Issue → when a person wants it sent, where it is not when the timetable says."""
        from newsletter.store import occurrences

        return self.read(occurrences.moved, self.name)

    def issue(self, given: str | None) -> IssueName:
        """The issue that a command means: its name, or the next one due.

        Raises UsageError for what is no name, ContentError where it has no folder.
        """
        day = issues.parse_issue(given) if given else self.next_issue()
        if issues.folder_of(self.folder, day).is_dir():
            return day
        if day.is_correction:
            raise ContentError(
                f"There is no mail {day}. Make one of a correction with: "
                f'newsletter correct {day.corrected} --note "…" --mail'
            )
        known = issues.existing(self.folder)
        others = f" The newest that exists is {known[-1]}." if known else ""
        raise ContentError(
            f"There is no issue {day} yet.{others} Make it with: newsletter gather {day}"
        )

    def sent(self, issue: IssueName) -> Frozen | None:
        """The send of the issue, if it was started."""
        from newsletter.store import sends

        return self.read(sends.find, self.name, issue)

    def require_sent(self, issue: IssueName) -> Frozen:
        """The send of the issue. Raises NotReadyError where it was not started."""
        if frozen := self.sent(issue):
            return frozen
        raise NotReadyError(
            f"Issue {issue} was not sent yet. Send it with: newsletter send {issue}"
        )

    def read_issue(self, issue: IssueName) -> Issue:
        """The issue as its folder describes it now; raises ContentError where a file is wrong."""
        from newsletter.render import layouts

        return issues.read_issue(self.folder, issue, layouts(self.config))

    def page_url(self, issue: IssueName) -> str:
        """Where the issue can be read on the web; without base_url only the path."""
        return f"{self.config.newsletter.base_url or ''}/issues/{issue}"

    def close(self) -> None:
        """Let go of the database, if it was used."""
        if "database" in self.__dict__:
            self.database.close()


def open_desk(folder: Path, clock: Clock = utc_now, **overrides: object) -> Desk:
    """The newsletter in ``folder``; ``overrides`` take the place of parts of its configuration.

    Raises ConfigError with every fault of newsletter.toml.
    """
    loaded = config.load(folder, sources.options, providers.options)
    if url := os.environ.get("DATABASE_URL"):
        loaded = replace(loaded, database=Database(url=url))
    desk = Desk(replace(loaded, **overrides), clock)  # type: ignore[arg-type]
    desk.language.require()
    return desk
