"""Where articles come from: one module a type, found by its file's name.

A source only reads and translates. What belongs in the issue (the window, duplicates, limits,
what was mailed already) is decided in one place, ``newsletter.gather``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo

from newsletter import registry
from newsletter.config import SourceOptions
from newsletter.model import Article, Window

if TYPE_CHECKING:
    from newsletter.http import Getter


@dataclass(frozen=True)
class Surroundings:
    """What a source may need beside its own keys."""

    folder: Path  # relative paths start here
    zone: ZoneInfo  # for dates without a zone, where the source names none itself
    door: Getter  # the only way to the network


class Source(Protocol):
    """An adaptor to one kind of place that articles come from."""

    @property
    def Options(self) -> type[SourceOptions]:  # noqa: N802 - a class, in each of them
        """The keys of its ``[[sources]]`` block: a class inside the source's own."""
        ...

    def fetch(self, window: Window) -> Iterable[Article]:
        """Every article the source has now, the newest first where it says so.

        ``window`` is a hint for sources that can ask for less. Raises FetchError with a reason
        in one sentence when the source cannot be read.
        """
        ...


_ADAPTORS = registry.Adaptors(__name__, "Source", SourceOptions, ("fetch",))


def options(type_: str) -> type[SourceOptions]:
    """The model of a type's keys; raises LookupError where the type does not exist."""
    model: type[SourceOptions] = _ADAPTORS.load(type_).Options
    return model


def build(chosen: SourceOptions, around: Surroundings) -> Source:
    """The source that a ``[[sources]]`` block describes."""
    source: Source = _ADAPTORS.load(chosen.type)(chosen, around)
    return source
