"""One article page: its own words about itself, then what stands on it."""

from __future__ import annotations

from collections.abc import Iterable
from zoneinfo import ZoneInfo

from newsletter import sanitize
from newsletter.config import SourceOptions
from newsletter.errors import FetchError
from newsletter.model import Article, Window
from newsletter.sources import Surroundings, _page
from newsletter.sources._identity import identity
from newsletter.sources._room import parsing


class PageSource:
    """One page. A person chose it, so it needs no date."""

    class Options(SourceOptions):
        """``url``: of the article."""

        url: str

    def __init__(self, options: Options, around: Surroundings) -> None:
        self._options = options
        self._door = around.door
        self._zone = ZoneInfo(options.timezone) if options.timezone else around.zone

    def fetch(self, window: Window) -> Iterable[Article]:  # noqa: ARG002 - it was chosen by hand
        """The one article; raises FetchError where the page has none."""
        name = self._options.url
        answer = self._door.get(name)
        try:
            with parsing():
                facts = _page.read(answer.body, self._zone, answer.url)
        except ValueError as error:
            raise FetchError(f"{name} cannot be read as a page: {error}; look at it.") from None
        if not facts.title:
            raise FetchError(f"{name} has no headline; see whether it is the page of an article.")
        url = facts.url or sanitize.link(answer.url) or sanitize.link(name)
        return [
            Article(
                id=identity(sanitize.canonical(url or name)),
                title=facts.title,
                source=name,
                url=url,
                authors=facts.authors,
                published=facts.published,
                image=facts.image,
                caption=facts.caption or None,
                credit=facts.credit or None,
                blurb=facts.blurb,
                language=facts.language,
                section=self._options.section,
                needs_date=False,
            )
        ]
