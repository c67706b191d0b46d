"""The health of each source: ok, unchanged, stale or failing, with the reason and since when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from newsletter.gather.reading import Reading
from newsletter.model import Article, Gathered, Health, SourceHealth


def report(
    reading: Reading, articles: Sequence[Article], now: datetime, earlier: Sequence[Gathered]
) -> SourceHealth:
    """The health of one source; since when comes from ``earlier`` gathers, the newest first."""
    status, reason = _health(reading, now)
    return SourceHealth(
        name=reading.name,
        key=reading.options.key,
        type=reading.options.type,
        section=reading.options.section,
        status=status,
        articles=sum(article.source == reading.name for article in articles),
        reason=reason,
        since=_since(reading.name, status, earlier) or now,
    )


def _health(reading: Reading, now: datetime) -> tuple[Health, str | None]:
    if reading.fault:
        return Health.FAILING, reading.fault
    stale_after = reading.options.stale_after
    if stale_after:
        newest = max((a.published for a in reading.articles if a.published), default=None)
        if newest is None:
            return Health.STALE, "It has no article with a date."
        if now - newest > stale_after:
            return Health.STALE, f"Its newest article is from {newest:%Y-%m-%d %H:%M} UTC."
    return (Health.UNCHANGED if reading.unchanged else Health.OK), None


def _since(name: str, status: Health, earlier: Sequence[Gathered]) -> datetime | None:
    """When this status began, as the last gather that has the source recorded it."""
    for gathered in earlier:
        for source in gathered.sources:
            if source.name == name:
                return source.since if source.status is status else None
    return None
