"""The configured sources with their health, and adding one by its address."""

from __future__ import annotations

import tomllib
from codecs import BOM_UTF8
from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsletter import config, issues, providers, sources
from newsletter.app.desk import Desk
from newsletter.config import SourceOptions
from newsletter.errors import FetchError, UsageError
from newsletter.model import SourceHealth
from newsletter.sanitize import canonical
from newsletter.toml_file import append

if TYPE_CHECKING:
    from newsletter.gather.discovery import DiscoveredSource

MAX_EARLIER = 8  # issues that are searched for a source's health


@dataclass(frozen=True)
class SourceEntry:
    """A source of newsletter.toml, and its health at the last gather that read it."""

    options: SourceOptions
    health: SourceHealth | None


@dataclass(frozen=True)
class AddedSource:
    """A source that was added to newsletter.toml."""

    source: DiscoveredSource
    block: str  # its text in newsletter.toml
    others: tuple[DiscoveredSource, ...]  # further sources of the site


def listed(desk: Desk) -> list[SourceEntry]:
    """Every source of newsletter.toml, in order."""
    latest: dict[str, SourceHealth] = {}
    for issue in issues.existing(desk.folder)[-MAX_EARLIER:]:
        gathered = issues.read_gathered(issues.folder_of(desk.folder, issue))
        latest |= {health.name: health for health in gathered.sources} if gathered else {}
    return [SourceEntry(options, latest.get(options.name)) for options in desk.config.sources]


def add(desk: Desk, url: str, kind: str | None = None, section: str | None = None) -> AddedSource:
    """Find the source at an address, and add it to newsletter.toml.

    ``kind`` is the type to prefer. Raises FetchError if there is no source, UsageError if it is
    configured already or there is none of that kind.
    """
    from newsletter.gather.discovery import discover

    with desk.fetcher("discover") as fetcher:
        discovered = discover(url, fetcher)
    candidates = [source for source in discovered if kind in (None, source.type)]
    if discovered and not candidates:
        kinds = ", ".join(sorted({source.type for source in discovered}))
        raise UsageError(f"{url} has no source of type {kind!r}, only: {kinds}.")
    if not candidates:
        raise FetchError(
            f"{url} offers no feed, no WordPress API and no news sitemap. Ask the publisher for "
            f"the address of one, or save pages into a folder source."
        )
    best = candidates[0]
    if canonical(best.url) in {canonical(options.name) for options in desk.config.sources}:
        raise UsageError(f"{best.url} is already a source; nothing changed.")
    block = {"type": best.type, "url": best.url} | ({"section": section} if section else {})
    _write(desk, block)
    return AddedSource(
        best,
        append.format_table("sources", block),
        tuple(source for source in discovered if source is not best),
    )


def _write(desk: Desk, block: dict[str, str]) -> None:
    """Add the block after the last one of its kind; nothing else in the file changes."""
    path = desk.folder / config.FILE
    content = path.read_bytes()
    encoding = "utf-8-sig" if content.startswith(BOM_UTF8) else "utf-8"
    text = content.decode(encoding)
    tables = tomllib.loads(text)
    with_block = append.append_table(text, "sources", block)
    if _read(with_block) != {**tables, "sources": [*tables["sources"], block]}:
        raise UsageError(
            f"Cannot add to {path} safely. Add this yourself:\n"
            f"{append.format_table('sources', block)}"
        )
    issues.write_atomically(path, with_block.encode(encoding))
    config.load(desk.folder, sources.options, providers.options)


def _read(text: str) -> dict[str, object] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None
