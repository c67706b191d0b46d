"""A source on its way through a gather: before it is read, and after."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from newsletter.config import SourceOptions
from newsletter.model import Article
from newsletter.sources import Source


@dataclass(frozen=True)
class Visited:
    """A source to read. ``unchanged`` says afterwards whether the network had nothing new."""

    options: SourceOptions
    source: Source
    unchanged: Callable[[], bool] = lambda: False


@dataclass(frozen=True)
class Reading:
    """What one source gave: its articles, or why it gave none."""

    options: SourceOptions
    articles: tuple[Article, ...] = ()
    fault: str | None = None
    unchanged: bool = False

    @property
    def name(self) -> str:
        """The address or path of the source, as the configuration has it."""
        return self.options.name
