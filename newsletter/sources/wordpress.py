"""A WordPress site through its REST API: the posts of the window, by category and tag."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, timedelta
from typing import Any
from urllib.parse import urlencode

from newsletter.config import LimitedSourceOptions
from newsletter.errors import FetchError
from newsletter.http import Response
from newsletter.model import Article, Window
from newsletter.sources import Surroundings, _wordpress_posts, article, entry_id, parsing

A_PAGE = 100  # posts; the most that WordPress gives
PAGES = 10
SLACK = timedelta(days=1)  # WordPress takes the bounds as its own local time

_CLOSED = frozenset({401, 403})
_NOT_THERE = frozenset({400, 404})


class WordPressSource:
    """One site."""

    class Options(LimitedSourceOptions):
        """``url`` of the site; ``categories`` and ``tags`` by slug."""

        url: str
        categories: tuple[str, ...] = ()
        tags: tuple[str, ...] = ()

    def __init__(self, options: Options, around: Surroundings) -> None:
        self._options = options
        self._fetcher = around.fetcher
        self._site = options.url.split("/wp-json")[0].split("?")[0].rstrip("/")
        self._zone = around.zone_of(options)
        self._plain = False  # without pretty links the API is at ?rest_route=

    def fetch(self, window: Window) -> Iterable[Article]:
        """The site's posts of the window, the newest first; FetchError where it gives none out."""
        query: dict[str, str] = {
            "_embed": "author,wp:featuredmedia",
            "per_page": str(A_PAGE),
            "after": f"{window.start.astimezone(UTC) - SLACK:%Y-%m-%dT%H:%M:%S}",
            "before": f"{window.end.astimezone(UTC) + SLACK:%Y-%m-%dT%H:%M:%S}",
        }
        for kind in ("categories", "tags"):
            if slugs := getattr(self._options, kind):
                query[kind] = self._numbers(kind, slugs)
        posts = self._posts(query)
        pictures = self._pictures(posts)
        with parsing():
            return [self._article(post, pictures) for post in posts]

    def _posts(self, wanted: Mapping[str, str]) -> list[Mapping[str, Any]]:
        posts_so_far: list[Mapping[str, Any]] = []
        for page in range(1, PAGES + 1):
            try:
                answer = self._ask("posts", {**wanted, "page": str(page)})
            except FetchError as error:
                if page > 1 and error.status == 400:  # there were as many as the last page holds
                    break
                raise
            posts = self._objects(answer)
            posts_so_far += posts
            total = answer.headers.get("x-wp-totalpages", "")
            if page >= int(total) if total.isdecimal() else len(posts) < A_PAGE:
                break
        return posts_so_far

    def _numbers(self, kind: str, slugs: Iterable[str]) -> str:
        """The numbers of categories or tags, which is what the API wants to hear."""
        unique = list(dict.fromkeys(slugs))
        answer = self._ask(kind, {"slug": ",".join(unique), "per_page": str(A_PAGE)})
        terms = self._objects(answer)
        numbers = {str(term.get("slug")): term.get("id") for term in terms}
        missing = [slug for slug in unique if not isinstance(numbers.get(slug), int)]
        if missing:
            raise FetchError(
                f"{self._site} has no {kind} with the slug {', '.join(missing)}; the slug is the "
                f"last part of the page's address; mend {kind} in newsletter.toml."
            )
        return ",".join(str(numbers[slug]) for slug in unique)

    def _pictures(self, posts: Iterable[Mapping[str, Any]]) -> Mapping[int, Mapping[str, Any]]:
        """The featured media that the answer only names by number; none where they are refused."""
        unseen = {number for post in posts if (number := _wordpress_posts.unseen_picture(post))}
        numbers = sorted(unseen)[:A_PAGE]
        if not numbers:
            return {}
        include = {"include": ",".join(map(str, numbers)), "per_page": str(A_PAGE)}
        try:
            media = self._objects(self._ask("media", include))
        except FetchError:
            return {}
        return {picture["id"]: picture for picture in media if isinstance(picture.get("id"), int)}

    def _ask(self, kind: str, wanted: Mapping[str, str]) -> Response:
        query = urlencode(wanted, safe=",:")
        pretty = f"{self._site}/wp-json/wp/v2/{kind}?{query}"
        plain = f"{self._site}/?rest_route=/wp/v2/{kind}&{query}"
        if self._plain:
            return self._get(plain)
        try:
            return self._get(pretty)
        except FetchError as error:
            if error.status != 404:
                raise
            try:
                answer = self._get(plain)
                self._objects(answer)
            except FetchError:
                raise error from None
            self._plain = True
            return answer

    def _objects(self, answer: Response) -> list[Mapping[str, Any]]:
        with parsing():
            return _wordpress_posts.objects(answer.body, self._site)

    def _get(self, url: str) -> Response:
        try:
            return self._fetcher.get(url)
        except FetchError as error:
            if error.status not in _CLOSED | _NOT_THERE:
                raise
            what = "keeps its REST API closed" if error.status in _CLOSED else "has no REST API"
            raise FetchError(
                f"{self._site} {what} (status {error.status} for {url.split('?')[0]}); use its "
                f'feed instead: type = "feed", url = "{self._site}/feed/".',
                error.status,
            ) from None

    def _article(
        self, post: Mapping[str, Any], pictures: Mapping[int, Mapping[str, Any]]
    ) -> Article:
        facts = _wordpress_posts.entry(post, pictures, self._site, self._zone)
        return article(self._options, entry_id(self._options.url, facts), facts)
