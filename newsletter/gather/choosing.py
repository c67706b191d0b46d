"""Which of the articles that were read belong to the issue, each story once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from operator import itemgetter

from newsletter.config import LimitedSourceOptions
from newsletter.gather.reading import Reading
from newsletter.model import Article, Gathered, Health, IssueName, LeftOut, Window
from newsletter.sanitize import canonical, headline_key
from newsletter.sanitize.similarity import HeadlineIndex
from newsletter.sources import shared_links

SAME_STORY_WITHIN = timedelta(days=3)  # between the dates of two publishers


@dataclass(frozen=True)
class Rules:
    """What decides whether an article belongs; see ``newsletter.gather.gather``."""

    window: Window
    mailed: Mapping[str, IssueName]
    earlier: Sequence[Gathered] = ()

    def window_of(self, source: str) -> Window:
        """The span to ask a source for, with what it may not have shown to earlier gathers."""
        return Window(
            min(self._reach.get(source, self.window.start), self.window.start), self.window.end
        )

    def unfit(self, article: Article, link: str | None) -> str | None:
        """Why the article does not belong, regardless of other articles; None if it does.

        ``link``: its address, unless many share it.
        """
        if not article.title:
            return "no headline"
        issue = self.mailed.get(article.id) or (self.mailed.get(canonical(link)) if link else None)
        if issue:
            return f"mailed in the issue of {issue}"
        if not article.needs_date and article.published is None:
            return None
        if article.published is None:
            return "no date"
        if article.published not in self.window and not self._came_late(article, link):
            return "outside the window"
        return "no link" if article.needs_date and not article.url else None

    def _came_late(self, article: Article, link: str | None) -> bool:
        """Whether an earlier gather should have had it, but its source did not show it then."""
        start = self._reach.get(article.source)
        if not start or not article.published or not start <= article.published < self.window.start:
            return False
        return article.id not in self._known and canonical(link or "") not in self._known

    @cached_property
    def _reach(self) -> dict[str, datetime]:
        """For each source, the earliest date of articles that may still be new.

        This is the start of the previous window, or of the first one in a row that it failed in.
        """
        reach: dict[str, datetime] = {}
        ended: set[str] = set()
        for gathered in self.earlier:
            reported = {source.name: source.status for source in gathered.sources}
            for name, status in reported.items():
                if name not in ended:
                    reach[name] = gathered.window.start
                if status is not Health.FAILING:
                    ended.add(name)
            ended |= reach.keys() - reported.keys()
        return reach

    @cached_property
    def _known(self) -> set[str]:
        """Ids and addresses of all articles that earlier gathers offered or left out."""
        keys: set[str] = set()
        for gathered in self.earlier:
            for article in (*gathered.articles, *(left.article for left in gathered.left_out)):
                keys |= {article.id, canonical(article.url or "")}
        return keys - {""}


def choose(
    readings: Sequence[Reading], rules: Rules, before: Gathered | None
) -> tuple[list[Article], list[LeftOut]]:
    """The articles that belong, and the others with reasons; the source listed first wins."""
    seen = _Seen()
    kept: list[Article] = []
    left_out: list[LeftOut] = []
    if before:
        _keep_earlier(before, readings, rules, seen, kept, left_out)
    for reading in readings:
        shared = shared_links((article.id, article.url) for article in reading.articles)
        options = reading.options
        limit = options.limit if isinstance(options, LimitedSourceOptions) else None
        taken = 0
        for article in ordered(reading.articles):
            link = None if canonical(article.url or "") in shared else article.url
            reason, of = rules.unfit(article, link), None
            if reason is None and (of := seen.twin(article, link)):
                reason = "duplicate"
            elif reason is None and limit is not None and taken >= limit:
                reason = f"over the limit of {limit} for this source"
            if reason:
                left_out.append(LeftOut(article, reason, of))
                continue
            seen.add(article, link)
            kept.append(_completed(article, before) if before else article)
            taken += 1
    if before:
        listed = {*seen.ids, *(left.article.id for left in left_out)}
        left_out += [left for left in before.left_out if left.article.id not in listed]
    return kept, left_out


def _completed(article: Article, before: Gathered) -> Article:
    """The article; if its page could not be read now, with what an earlier gather read there."""
    earlier = next((candidate for candidate in before.articles if candidate.id == article.id), None)
    if earlier is None or not article.partial:
        return article
    return replace(earlier, title=article.title, published=article.published or earlier.published)


def ordered(articles: Iterable[Article]) -> tuple[Article, ...]:
    """The newest first; undated articles last, in the order of their source."""
    listed = list(articles)
    dated = [(article.published, article) for article in listed if article.published]
    newest_first = sorted(dated, key=itemgetter(0), reverse=True)
    undated = [article for article in listed if not article.published]
    return (*(article for _, article in newest_first), *undated)


class _Seen:
    """The articles kept so far, indexed by id, link and headline."""

    def __init__(self) -> None:
        self.ids: dict[str, Article] = {}
        self._by_link: dict[str, str] = {}
        self._by_headline: dict[str, str] = {}
        self._headlines = HeadlineIndex()

    def twin(self, article: Article, link: str | None) -> str | None:
        """The id of a kept article that is the same story, if there is one."""
        if article.id in self.ids:
            return article.id
        if link and (twin := self._by_link.get(canonical(link))):
            return twin
        # A source that repeats a headline under another link means another story.
        same = self._by_headline.get(headline_key(article.title))
        if same and self.ids[same].source != article.source:
            return same
        for alike in self._headlines.similar(article.title):
            other = self.ids[alike]
            if other.source != article.source and _together(article, other):
                return alike
        return None

    def add(self, article: Article, link: str | None) -> None:
        self.ids[article.id] = article
        if link:
            self._by_link[canonical(link)] = article.id
        self._by_headline.setdefault(headline_key(article.title), article.id)
        self._headlines.add(article.id, article.title)


def _together(one: Article, other: Article) -> bool:
    if not one.published or not other.published:
        return True
    return abs(one.published - other.published) <= SAME_STORY_WITHIN


def _keep_earlier(
    before: Gathered,
    readings: Sequence[Reading],
    rules: Rules,
    seen: _Seen,
    kept: list[Article],
    left_out: list[LeftOut],
) -> None:
    """Keep what an earlier gather found and the sources no longer list.

    The editor may have chosen any of it, so an article that no longer belongs is left out with a
    reason.
    """
    configured = {reading.name for reading in readings}
    listed = {article.id for reading in readings for article in reading.articles}
    for article in before.articles:
        if article.id in listed:
            continue
        reason = rules.unfit(article, article.url)
        if article.source not in configured:
            reason = "its source is no longer configured"
        if reason:
            left_out.append(LeftOut(article, reason))
        else:
            seen.add(article, article.url)
            kept.append(article)
