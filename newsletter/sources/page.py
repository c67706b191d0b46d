"""One article page: its own words about itself, then what stands on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from newsletter import sanitize
from newsletter.config import SourceOptions
from newsletter.errors import FetchError
from newsletter.model import Article, Window
from newsletter.sources import Surroundings, _article_page, article, article_id, parsing


class PageSource:
    """One page. A person chose it, so it needs no date."""

    class Options(SourceOptions):
        """``url``: of the article."""

        url: str

    def __init__(self, options: Options, around: Surroundings) -> None:
        self._options = options
        self._fetcher = around.fetcher
        self._zone = around.zone_of(options)

    def fetch(self, window: Window) -> Iterable[Article]:  # noqa: ARG002 - it was chosen by hand
        """The one article; raises FetchError where the page has none."""
        name = self._options.url
        answer = self._fetcher.get(name)
        try:
            with parsing():
                facts = _article_page.read(answer.body, self._zone, answer.url)
        except ValueError as error:
            raise FetchError(f"{name} cannot be read as a page: {error}; look at it.") from None
        if not facts.title:
            raise FetchError(f"{name} has no headline; see whether it is the page of an article.")
        url = facts.url or sanitize.link(answer.url) or sanitize.link(name)
        id_ = article_id(sanitize.canonical(url or name))
        return [article(self._options, id_, replace(facts, url=url), needs_date=False)]
