"""Read the sources in parallel. One that fails, with any exception, does not stop the others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from newsletter import registry
from newsletter.config import SourceOptions
from newsletter.errors import FetchError
from newsletter.gather.validation import invalid
from newsletter.model import Article, Window
from newsletter.sources import Source

log = logging.getLogger(__name__)

AT_ONCE = 256  # sources read in parallel; the fetcher limits the requests


@dataclass(frozen=True)
class Visited:
    """A source to read."""

    options: SourceOptions
    build: Callable[[], Source]
    unchanged: Callable[[], bool] = lambda: False  # after it was read: whether nothing was new


@dataclass(frozen=True)
class Reading:
    """The articles of one source, or why it could not be read."""

    options: SourceOptions
    articles: tuple[Article, ...] = ()
    fault: str | None = None
    unchanged: bool = False

    @property
    def name(self) -> str:
        """The address or path of the source, from the configuration."""
        return self.options.name


def read(sources: Sequence[Visited], window_of: Callable[[str], Window]) -> list[Reading]:
    """The reading of each source, in order; one that cannot be read has a ``fault``.

    ``window_of``: the span to ask a source for, by its name.
    """
    workers = max(1, min(len(sources), AT_ONCE))
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="source") as pool:
        return list(pool.map(lambda each: _read_one(each, window_of(each.options.name)), sources))


def _read_one(visited: Visited, window: Window) -> Reading:
    options = visited.options
    try:
        articles = tuple(visited.build().fetch(window))
    except FetchError as error:
        return Reading(options, fault=str(error))
    except (Exception, SystemExit) as error:
        # One broken source must not stop the others.
        log.info("%s could not be understood", options.name, exc_info=True)
        return _failing(
            options, f"could not be understood: {registry.describe(error, options.type)}"
        )
    if fault := next(filter(None, (invalid(article, options.name) for article in articles)), None):
        return _failing(options, fault)
    return Reading(options, articles, unchanged=visited.unchanged())


def _failing(options: SourceOptions, fault: str) -> Reading:
    remedy = f"; mend {options.type}" if ":" in options.type else ""
    return Reading(options, fault=f"{options.name} {fault}{remedy}.")
