"""Look at an issue's stories once more where they came from: gone, or under a new headline?"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from newsletter import issues
from newsletter.app.desk import Desk
from newsletter.app.issue.build import Built
from newsletter.app.issue.gather import visited
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

AT_ONCE = 16
SAID = 5  # pages that could not be looked at, one by one
GONE = frozenset({404, 410})
# What says "no" to programs only, and to nobody who reads.
KEEPS_OUT = frozenset({401, 402, 403, 405, 406, 429, 451, 503})


@dataclass(frozen=True)
class Change:
    """A headline that is another one at the source now."""

    story: Story
    now: str


def recheck_issue(desk: Desk, built: Built) -> tuple[Finding, ...]:
    """What is gone (an error) or has a new headline (a warning), over the network."""
    issue = built.issue
    links = {story.article.url: story for story in issue.stories if story.article.url}
    others = [link for link in _links_of(built, desk) if link not in links]
    pictures = _published(desk, issue)
    wanted = [*links, *others, *pictures]
    with desk.fetcher("look") as fetcher:
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="link") as pool:
            changes = pool.submit(_changes, desk, issue, fetcher)
            refusals = list(pool.map(lambda url: refusal(desk, fetcher, url), wanted))
        faults = {url: fault for url, fault in zip(wanted, refusals, strict=True) if fault}
        return (
            *_gone(faults, links, others),
            *_unpublished(faults, pictures),
            *_headlines(issue, changes.result()),
        )


def refresh(desk: Desk, day: IssueName) -> list[Change]:
    """Take the new headlines into the issue's gathered.json; the editor's own ones stay."""
    with desk.fetcher("look") as fetcher:
        changes = _changes(desk, desk.read_issue(day), fetcher)
    folder = issues.folder_of(desk.folder, day)
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


def _changes(desk: Desk, issue: Issue, fetcher: Fetcher) -> list[Change]:
    """The stories whose source names them otherwise now."""
    names = {story.article.source for story in issue.stories}
    chosen = [visited(desk, each, fetcher) for each in desk.config.sources if each.name in names]
    dates = [s.article.published for s in issue.stories if s.article.published]
    now = desk.clock()
    window = Window(min([*dates, now]), now)
    titles = {
        article.id: article.title
        for reading in read(chosen, lambda _: window)
        for article in reading.articles
        if article.title
    }
    return [
        Change(story, title)
        for story in issue.stories
        if (title := titles.get(story.article.id)) and title != story.article.title
    ]


def _links_of(built: Built, desk: Desk) -> list[str]:
    """The web addresses of the mail, but those of the newsletter's own pages and personal ones.

    Personal ones have a token; once it is filled in, a look at them could unsubscribe a reader.
    """
    own = desk.config.newsletter.base_url
    mail = Mail(built.issue, built.rendered, desk.config)
    found = mail.elements("//body//a/@href | //body//area/@href")
    return [
        address
        for address in dict.fromkeys(str(each) for each in found)
        if split(address).scheme == "https"
        and host_of(address)
        and not tokens.found_in(address)
        and not (own and f"{address}/".startswith(f"{own}/"))
    ]


def _published(desk: Desk, issue: Issue) -> list[str]:
    """Where readers will get the issue's hosted pictures."""
    base = desk.config.newsletter.base_url
    files = dict.fromkeys(each.file for each in issue.pictures.hosted)
    return [f"{base}/issues/{issue.name}/{PICTURES}/{file}" for file in files]


def _gone(
    faults: Mapping[str, FetchError], links: Mapping[str, Story], others: Sequence[str]
) -> Iterator[Finding]:
    unseen: dict[str, FetchError] = {}
    for url in (*links, *others):
        fault, story = faults.get(url), links.get(url)
        if fault is None or fault.status in KEEPS_OUT:
            continue
        if fault.status in GONE:
            yield error(
                "links",
                f"The page {_of(story)} is gone ({fault.status}): {url}",
                "Take the story out of issue.toml, or ask the desk where it is now."
                if story
                else "Mend the link in note.md or issue.toml, or take it out.",
                story.article.id if story else url,
                story=story.article.id if story else None,
            )
        else:
            log.info("%s", fault)
            unseen[url] = fault
    yield from _unseen(unseen, links)


def _unseen(unseen: Mapping[str, FetchError], links: Mapping[str, Story]) -> Iterator[Finding]:
    """Where the network is down nothing can be seen: the first few pages say why."""
    for url, fault in list(unseen.items())[:SAID]:
        story = links.get(url)
        why = str(fault).partition(";")[0].rstrip(".")
        yield warning(
            "links",
            f"The page {_of(story)} could not be looked at just now: {why}.",
            f"See whether it opens in a browser: {url}",
            story.article.id if story else url,
            story=story.article.id if story else None,
        )
    if len(unseen) > SAID:
        yield warning(
            "links",
            f"{len(unseen) - SAID} more pages could not be looked at just now.",
            "See whether the network is there, and look again.",
        )


def _of(story: Story | None) -> str:
    return f"of “{story.headline}”" if story else "behind a link"


def _unpublished(faults: Mapping[str, FetchError], pictures: Sequence[str]) -> Iterator[Finding]:
    lost = [url for url in pictures if url in faults]
    if lost:
        yield error(
            "pictures",
            f"Readers will not see {len(lost)} of {len(pictures)} pictures: {faults[lost[0]]}",
            f'Publish the issue\'s {PICTURES}/ folder below base_url, or set images = "link" and '
            f"build anew.",
            lost[0],
        )


def _headlines(issue: Issue, changes: Iterable[Change]) -> Iterator[Finding]:
    for change in changes:
        story = change.story
        own = story.headline != story.article.title
        yield warning(
            "sources",
            f"“{story.article.title}” is now “{change.now}” at its source.",
            f"Take it over: newsletter refresh {issue.name}; then build and approve again."
            + (" Your own headline in issue.toml stays; look at it." if own else ""),
            story.article.id,
        )
