"""Ask publishers again about an issue's stories: is a page gone, has a headline changed?"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from newsletter import issues
from newsletter.app.desk import Desk
from newsletter.app.issue.build import Built
from newsletter.app.issue.gather import open_source
from newsletter.app.issue.reachability import refusal
from newsletter.check import Mail, error, warning
from newsletter.errors import FetchError
from newsletter.gather import read
from newsletter.http import Fetcher
from newsletter.issues.pictures import FOLDER as PICTURES
from newsletter.links import tokens
from newsletter.model import Article, Finding, Issue, IssueName, Story, Window
from newsletter.text.urls import host_of, split

log = logging.getLogger(__name__)

MAX_PARALLEL = 16
MAX_LISTED = 5  # unreachable pages that get a finding of their own
GONE = frozenset({404, 410})
# Answers that keep programs out, but not readers.
BLOCKS_PROGRAMS = frozenset({401, 402, 403, 405, 406, 429, 451, 503})


@dataclass(frozen=True)
class ChangedHeadline:
    """A headline that has changed at its source."""

    story: Story
    now: str  # at the source


def recheck_issue(desk: Desk, built: Built) -> tuple[Finding, ...]:
    """Missing pages and pictures (errors) and changed headlines (warnings), from the network."""
    issue = built.issue
    links = {story.article.url: story for story in issue.stories if story.article.url}
    others = [link for link in _links_of(built, desk) if link not in links]
    pictures = _picture_urls(desk, issue)
    urls = [*links, *others, *pictures]
    with desk.fetcher("recheck") as fetcher:
        with ThreadPoolExecutor(MAX_PARALLEL, thread_name_prefix="link") as pool:
            changes = pool.submit(_find_changes, desk, issue, fetcher)
            refusals = list(pool.map(lambda url: refusal(desk, fetcher, url), urls))
        faults = {url: fault for url, fault in zip(urls, refusals, strict=True) if fault}
        return (
            *_missing_pages(faults, links, others),
            *_missing_pictures(faults, pictures),
            *_changed_headlines(issue, changes.result()),
        )


def refresh(desk: Desk, issue: IssueName) -> list[ChangedHeadline]:
    """Adopt changed headlines in the issue's gathered.json; the editor's own headlines stay."""
    with desk.fetcher("recheck") as fetcher:
        changes = _find_changes(desk, desk.read_issue(issue), fetcher)
    folder = issues.folder_of(desk.folder, issue)
    gathered = issues.read_gathered(folder)
    if gathered and changes:
        new = {change.story.article.id: change.now for change in changes}

        def renamed(article: Article) -> Article:
            return replace(article, title=new.get(article.id, article.title))

        left_out = (replace(left, article=renamed(left.article)) for left in gathered.left_out)
        articles = tuple(map(renamed, gathered.articles))
        issues.write_gathered(
            folder, replace(gathered, articles=articles, left_out=tuple(left_out))
        )
    return changes


def _find_changes(desk: Desk, issue: Issue, fetcher: Fetcher) -> list[ChangedHeadline]:
    """The stories whose headline has changed at their source."""
    names = {story.article.source for story in issue.stories}
    opened = [
        open_source(desk, options, fetcher)
        for options in desk.config.sources
        if options.name in names
    ]
    dates = [s.article.published for s in issue.stories if s.article.published]
    now = desk.clock()
    window = Window(min([*dates, now]), now)
    titles = {
        article.id: article.title
        for reading in read(opened, lambda _: window)
        for article in reading.articles
        if article.title
    }
    return [
        ChangedHeadline(story, title)
        for story in issue.stories
        if (title := titles.get(story.article.id)) and title != story.article.title
    ]


def _links_of(built: Built, desk: Desk) -> list[str]:
    """The web addresses in the mail, except the newsletter's own pages and personal links.

    Personal links contain a token. Requesting a filled one could unsubscribe a reader.
    """
    own = desk.config.newsletter.base_url
    mail = Mail(built.issue, built.rendered, desk.config)
    hrefs = mail.elements("//body//a/@href | //body//area/@href")
    return [
        address
        for address in dict.fromkeys(map(str, hrefs))
        if split(address).scheme == "https"
        and host_of(address)
        and not tokens.find_all(address)
        and not (own and f"{address}/".startswith(f"{own}/"))
    ]


def _picture_urls(desk: Desk, issue: Issue) -> list[str]:
    """Where readers will get the issue's pictures."""
    base = desk.config.newsletter.base_url
    files = dict.fromkeys(hosted.file for hosted in issue.pictures.hosted)
    return [f"{base}/issues/{issue.name}/{PICTURES}/{file}" for file in files]


def _missing_pages(
    faults: Mapping[str, FetchError], links: Mapping[str, Story], others: Sequence[str]
) -> Iterator[Finding]:
    unreachable: dict[str, FetchError] = {}
    for url in (*links, *others):
        fault, story = faults.get(url), links.get(url)
        if fault is None or fault.status in BLOCKS_PROGRAMS:
            continue
        if fault.status in GONE:
            yield error(
                "links",
                f"The page {_of(story)} is gone ({fault.status}): {url}",
                "Remove the story from issue.toml, or ask the desk for its new address."
                if story
                else "Correct the link in note.md or issue.toml, or remove it.",
                story.article.id if story else url,
                story=story.article.id if story else None,
            )
        else:
            log.info("%s", fault)
            unreachable[url] = fault
    yield from _unreachable_pages(unreachable, links)


def _unreachable_pages(
    unreachable: Mapping[str, FetchError], links: Mapping[str, Story]
) -> Iterator[Finding]:
    """One warning for each of the first pages, and one for the rest: the network may be down."""
    for url, fault in list(unreachable.items())[:MAX_LISTED]:
        story = links.get(url)
        why = str(fault).partition(";")[0].rstrip(".")
        yield warning(
            "links",
            f"The page {_of(story)} could not be reached: {why}.",
            f"Check whether it opens in a browser: {url}",
            story.article.id if story else url,
            story=story.article.id if story else None,
        )
    if len(unreachable) > MAX_LISTED:
        yield warning(
            "links",
            f"{len(unreachable) - MAX_LISTED} more pages could not be reached.",
            "Check the network, and try again.",
        )


def _of(story: Story | None) -> str:
    return f"of “{story.headline}”" if story else "behind a link"


def _missing_pictures(
    faults: Mapping[str, FetchError], pictures: Sequence[str]
) -> Iterator[Finding]:
    lost = [url for url in pictures if url in faults]
    if lost:
        yield error(
            "pictures",
            f"Readers will not see {len(lost)} of {len(pictures)} pictures: {faults[lost[0]]}",
            f'Publish the issue\'s {PICTURES}/ folder below base_url, or set images = "link" and '
            f"build again.",
            lost[0],
        )


def _changed_headlines(issue: Issue, changes: Iterable[ChangedHeadline]) -> Iterator[Finding]:
    for change in changes:
        story = change.story
        own = story.headline != story.article.title
        yield warning(
            "sources",
            f"“{story.article.title}” is now “{change.now}” at its source.",
            f"Adopt it: newsletter refresh {issue.name}; then build and approve again."
            + (" Your own headline in issue.toml stays; check it." if own else ""),
            story.article.id,
        )
