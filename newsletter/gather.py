"""Run the sources side by side and decide what belongs to the issue.

read → keep what an earlier gather had → choose (window, once, not mailed, limits) → order → report.
Nothing is dropped in silence: an article that is not offered stands in ``left_out`` with a reason.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter

from newsletter.config import SourceOptions
from newsletter.errors import FetchError
from newsletter.foreign import canonical, same_headline
from newsletter.model import Article, Gathered, Health, LeftOut, SourceReport, Window
from newsletter.sources import Source

log = logging.getLogger(__name__)

AT_ONCE = 16  # sources fetched at the same time
SHARED = 3  # a link that so many items of one source carry names none of them


@dataclass(frozen=True)
class Reading:
    """What one source gave: its articles, or why it gave none."""

    options: SourceOptions
    articles: tuple[Article, ...] = ()
    fault: str | None = None


def gather(
    sources: Sequence[tuple[SourceOptions, Source]],
    window: Window,
    now: datetime,
    *,
    before: Gathered | None = None,
    mailed: Mapping[str, str] | None = None,
) -> Gathered:
    """Everything that the sources have for the window.

    ``before``: what an earlier gather for the same issue found; its articles stay. ``mailed``:
    the issue that carried an article, by the article's id and by its canonical address.
    Raises FetchError when no source at all could be read.
    """
    readings = _read(sources, window)
    if all(reading.fault for reading in readings):
        faults = "\n".join(f"  {_name(r.options)}: {r.fault}" for r in readings)
        raise FetchError(
            f"No source could be read, so nothing was changed:\n{faults}\n"
            f"Look at the addresses in newsletter.toml and at the network, then gather again."
        )
    articles, left_out = _choose(readings, window, before, mailed or {})
    pages = [a.page for reading in readings for a in reading.articles if a.page]
    return Gathered(
        window=window,
        gathered_at=now,
        articles=_ordered(articles),
        left_out=tuple(left_out),
        sources=tuple(_report(r, articles, now, before) for r in readings),
        dateline=next((page.dateline for page in pages if page.dateline), None),
        editor=next((page.editor for page in pages if page.editor), None),
    )


def _read(sources: Sequence[tuple[SourceOptions, Source]], window: Window) -> list[Reading]:
    with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="source") as pool:
        return list(pool.map(lambda pair: _read_one(pair[0], pair[1], window), sources))


def _read_one(options: SourceOptions, source: Source, window: Window) -> Reading:
    try:
        return Reading(options, tuple(source.fetch(window)))
    except FetchError as error:
        return Reading(options, fault=str(error))
    except Exception as error:
        # One odd publisher must not take the week of all the others with it.
        log.exception("%s could not be understood", _name(options))
        kind = type(error).__name__
        return Reading(
            options, fault=f"{_name(options)} could not be understood ({kind}: {error})."
        )


def _choose(
    readings: Sequence[Reading],
    window: Window,
    before: Gathered | None,
    mailed: Mapping[str, str],
) -> tuple[list[Article], list[LeftOut]]:
    seen = _Seen()
    kept: list[Article] = []
    left_out: list[LeftOut] = []
    for reading in readings:
        shared = _shared_links(reading.articles)
        limit = getattr(reading.options, "limit", None)
        taken = 0
        for article in _ordered(reading.articles):
            identity = None if canonical(article.url or "") in shared else article.url
            reason, of = _unfit(article, identity, window, mailed), None
            if reason is None and (of := seen.twin(article, identity)):
                reason = "duplicate"
            elif reason is None and limit is not None and taken >= limit:
                reason = f"over the limit of {limit} for this source"
            if reason:
                left_out.append(LeftOut(article, reason, of))
                continue
            seen.add(article, identity)
            kept.append(article)
            taken += 1
    if before:
        known = {*seen.ids, *(left.article.id for left in left_out)}
        _keep_earlier(before, readings, window, known, kept, left_out)
    return kept, left_out


def _unfit(
    article: Article, link: str | None, window: Window, mailed: Mapping[str, str]
) -> str | None:
    """Why the article itself does not belong, whatever the others are.

    ``link``: its address, unless many share it.
    """
    if not article.title:
        return "no headline"
    issue = mailed.get(article.id) or (mailed.get(canonical(link)) if link else None)
    if issue:
        return f"mailed in the issue of {issue}"
    if not article.needs_date and article.published is None:
        return None
    if article.published is None:
        return "no date"
    if article.published not in window:
        return "outside the window"
    return "no link" if article.needs_date and not article.url else None


class _Seen:
    """The articles kept so far, by everything that makes two of them one story."""

    def __init__(self) -> None:
        self.ids: set[str] = set()
        self._by_link: dict[str, str] = {}
        self._by_headline: dict[str, tuple[str, str]] = {}

    def twin(self, article: Article, link: str | None) -> str | None:
        """The id of the article kept already that is the same story."""
        if article.id in self.ids:
            return article.id
        if link and (twin := self._by_link.get(canonical(link))):
            return twin
        twin, source = self._by_headline.get(same_headline(article.title), ("", ""))
        return twin if twin and source != article.source else None

    def add(self, article: Article, link: str | None) -> None:
        self.ids.add(article.id)
        if link:
            self._by_link[canonical(link)] = article.id
        self._by_headline.setdefault(same_headline(article.title), (article.id, article.source))


def _shared_links(articles: Iterable[Article]) -> set[str]:
    """Links that many items of one source carry, and so say nothing about any of them."""
    counts = Counter(canonical(article.url) for article in articles if article.url)
    return {link for link, count in counts.items() if count >= SHARED}


def _keep_earlier(
    before: Gathered,
    readings: Sequence[Reading],
    window: Window,
    known: set[str],
    kept: list[Article],
    left_out: list[LeftOut],
) -> None:
    """What an earlier gather had and the sources no longer list: feeds forget, we don't.

    The editor may have chosen any of it, so what no longer belongs is still listed, with a reason.
    """
    configured = {_name(reading.options) for reading in readings}
    for article in before.articles:
        if article.id in known:
            continue
        if article.source not in configured:
            left_out.append(LeftOut(article, "its source is no longer configured"))
        elif article.published is not None and article.published not in window:
            left_out.append(LeftOut(article, "outside the window"))
        else:
            kept.append(article)
    known |= {article.id for article in before.articles}
    left_out += [left for left in before.left_out if left.article.id not in known]


def _ordered(articles: Sequence[Article]) -> tuple[Article, ...]:
    """The newest first; what has no date comes last, as its source has it."""
    dated = [(article.published, article) for article in articles if article.published]
    newest_first = sorted(dated, key=itemgetter(0), reverse=True)
    undated = [article for article in articles if not article.published]
    return (*(article for _, article in newest_first), *undated)


def _report(
    reading: Reading, articles: Sequence[Article], now: datetime, before: Gathered | None
) -> SourceReport:
    name = _name(reading.options)
    status, reason = Health.OK, None
    newest = max((a.published for a in reading.articles if a.published), default=None)
    stale_after = reading.options.stale_after
    if reading.fault:
        status, reason = Health.FAILING, reading.fault
    elif stale_after and newest and now - newest > stale_after:
        status = Health.STALE
        reason = f"Its newest article is from {newest:%Y-%m-%d %H:%M} UTC."
    earlier = next((s for s in before.sources if s.name == name), None) if before else None
    return SourceReport(
        name=name,
        key="url" if getattr(reading.options, "url", None) else "path",
        type=reading.options.type,
        section=reading.options.section,
        status=status,
        articles=sum(article.source == name for article in articles),
        reason=reason,
        since=earlier.since if earlier and earlier.status is status else now,
    )


def _name(options: SourceOptions) -> str:
    """The address or path of a source, as the configuration has it."""
    return str(getattr(options, "url", None) or getattr(options, "path", None) or options.type)
