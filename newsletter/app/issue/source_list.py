"""The list of sources with their health, and a new one found by its address."""

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
from newsletter.toml_file import editing

if TYPE_CHECKING:
    from newsletter.gather.discovery import DiscoveredSource

LOOK_BACK = 8  # issues


@dataclass(frozen=True)
class SourceEntry:
    """A source as configured, and its report from the last gather that knew it."""

    options: SourceOptions
    health: SourceHealth | None


@dataclass(frozen=True)
class AddedSource:
    """The source that was added, its block in newsletter.toml, and what else there was."""

    source: DiscoveredSource
    block: str
    others: tuple[DiscoveredSource, ...]


def listed(desk: Desk) -> list[SourceEntry]:
    """Every source of newsletter.toml, in its order."""
    reports: dict[str, SourceHealth] = {}
    for day in issues.existing(desk.folder)[-LOOK_BACK:]:
        gathered = issues.read_gathered(issues.folder_of(desk.folder, day))
        reports |= {report.name: report for report in gathered.sources} if gathered else {}
    return [SourceEntry(options, reports.get(options.name)) for options in desk.config.sources]


def add(desk: Desk, url: str, kind: str | None = None, section: str | None = None) -> AddedSource:
    """Find out what is at the address, and write its block into newsletter.toml.

    ``kind`` chooses among several. Raises FetchError where there is no source, UsageError where it
    is there already, or is of no such kind.
    """
    from newsletter.gather.discovery import discover

    with desk.fetcher("look") as fetcher:
        found = discover(url, fetcher)
    chosen = [each for each in found if kind in (None, each.type)]
    if found and not chosen:
        kinds = ", ".join(sorted({each.type for each in found}))
        raise UsageError(f"{url} has no source of the type {kind!r}; it has: {kinds}.")
    if not chosen:
        raise FetchError(
            f"{url} names no feed, no WordPress and no news sitemap. Ask the publisher for the "
            f"address of one, or save its pages into a folder source."
        )
    best = chosen[0]
    known = {canonical(each.name) for each in desk.config.sources}
    if canonical(best.url) in known:
        raise UsageError(f"{best.url} is a source already; nothing was changed.")
    block = {"type": best.type, "url": best.url} | ({"section": section} if section else {})
    _write(desk, block)
    return AddedSource(
        best,
        editing.table_text("sources", block),
        tuple(each for each in found if each is not best),
    )


def _write(desk: Desk, block: dict[str, str]) -> None:
    """Put the block behind the last one of its kind; nothing else in the file changes."""
    path = desk.folder / config.FILE
    content = path.read_bytes()
    encoding = "utf-8-sig" if content.startswith(BOM_UTF8) else "utf-8"
    text = content.decode(encoding)
    tables = tomllib.loads(text)
    with_block = editing.with_table(text, "sources", block)
    if _read(with_block) != {**tables, "sources": [*tables["sources"], block]}:
        raise UsageError(
            f"{path} cannot be added to. Put this into it yourself:\n"
            f"{editing.table_text('sources', block)}"
        )
    issues.write_atomically(path, with_block.encode(encoding))
    config.load(desk.folder, sources.options, providers.options)


def _read(text: str) -> dict[str, object] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None
