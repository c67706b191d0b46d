"""An open newsletter: its configuration, and its parts, created when they are needed."""

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
    from newsletter.store.sends import FrozenSend

CACHE = ".cache"

P = ParamSpec("P")
T = TypeVar("T")

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The clock of the machine."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Desk:
    """An open newsletter. Every use case starts from one."""

    config: Config
    clock: Clock = utc_now

    @property
    def folder(self) -> Path:
        """The folder of newsletter.toml."""
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
        """The database, created and migrated at first use."""
        from newsletter.store import open_database

        return open_database(self.config.database.url, self.folder)

    def read(
        self, function: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Call a function of the store with a read-only connection, and return its result.

        The connection is closed afterwards, so a function that yields rows needs ``reading``.
        """
        with self.reading() as connection:
            return function(connection, *args, **kwargs)

    def reading(self) -> AbstractContextManager[Connection]:
        """A read-only view of the database at one moment; it never waits for a writer."""
        return self.database.read()

    def writing(self, *, durable: bool = True) -> AbstractContextManager[Connection]:
        """A transaction: commits everything or nothing. ``durable``: see ``Database.begin``."""
        return self.database.begin(durable=durable)

    @cached_property
    def provider(self) -> Provider:
        """The adaptor to the email service. Raises ConfigError if a secret is missing."""
        return providers.build(self.config.provider, self.folder)

    @cached_property
    def alerts_provider(self) -> Provider:
        """The adaptor that alerts go through. Raises ConfigError if a secret is missing."""
        options = self.config.alerts_provider
        return providers.build(options, self.folder) if options else self.provider

    def fetcher(self, purpose: str = "gather") -> Fetcher:
        """A fetcher with a cache below ``.cache/``.

        Each purpose has its own cache, so "unchanged" means since the last fetch for it.
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
        """Issue → when it is sent, for sends that a person has moved."""
        from newsletter.store import occurrences

        return self.read(occurrences.moved_sends, self.name)

    def issue(self, name: str | None) -> IssueName:
        """The issue of that name or, with None, the next one due.

        Raises UsageError if the name is not valid, ContentError if the issue has no folder.
        """
        issue = issues.parse_issue(name) if name else self.next_issue()
        if issues.folder_of(self.folder, issue).is_dir():
            return issue
        if issue.is_correction:
            raise ContentError(
                f"There is no mail {issue}. Make one about a correction with: "
                f'newsletter correct {issue.corrected} --note "…" --mail'
            )
        existing = issues.existing(self.folder)
        newest = f" The newest that exists is {existing[-1]}." if existing else ""
        raise ContentError(
            f"There is no issue {issue} yet.{newest} Make it with: newsletter gather {issue}"
        )

    def sent(self, issue: IssueName) -> FrozenSend | None:
        """The send of the issue; None if it was not started."""
        from newsletter.store import sends

        return self.read(sends.find, self.name, issue)

    def require_sent(self, issue: IssueName) -> FrozenSend:
        """The send of the issue. Raises NotReadyError if it was not started."""
        if frozen := self.sent(issue):
            return frozen
        raise NotReadyError(
            f"Issue {issue} was not sent yet. Send it with: newsletter send {issue}"
        )

    def read_issue(self, issue: IssueName) -> Issue:
        """The issue as its folder describes it now. Raises ContentError if a file is wrong."""
        from newsletter.render import layouts

        return issues.read_issue(self.folder, issue, layouts(self.config))

    def page_url(self, issue: IssueName) -> str:
        """The address of the issue's page on the web; without base_url only its path."""
        return f"{self.config.newsletter.base_url or ''}/issues/{issue}"

    def close(self) -> None:
        """Close the database, if it was used."""
        if "database" in self.__dict__:
            self.database.close()


def open_desk(folder: Path, clock: Clock = utc_now, **overrides: object) -> Desk:
    """Open the newsletter in ``folder``; ``overrides`` replace fields of its configuration.

    Raises ConfigError with every fault of newsletter.toml.
    """
    loaded = config.load(folder, sources.options, providers.options)
    if url := os.environ.get("DATABASE_URL"):
        loaded = replace(loaded, database=Database(url=url))
    desk = Desk(replace(loaded, **overrides), clock)  # type: ignore[arg-type]
    desk.language.require()
    return desk
