"""Look at an issue's stories once more where they came from: gone, or under a new headline?"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date

from newsletter import issues
from newsletter.app.desk import Desk
from newsletter.app.gathering import visited
from newsletter.app.reaching import is_made_up, reach
from newsletter.check import error, warning
from newsletter.errors import FetchError
from newsletter.gather import read
from newsletter.http import Door
from newsletter.model import Article, Finding, Issue, Story, Window

log = logging.getLogger(__name__)

AT_ONCE = 16
GONE = frozenset({404, 410})
# What says "no" to programs only, and to nobody who reads.
KEEPS_OUT = frozenset({401, 402, 403, 405, 406, 429, 451, 503})


@dataclass(frozen=True)
class Change:
    """A headline that is another one at the source now."""

    story: Story
    now: str


def look_again(desk: Desk, issue: Issue) -> tuple[Finding, ...]:
    """What is gone (an error) or has a new headline (a warning), over the network."""
    with desk.door("look") as door:
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="link") as pool:
            changes = pool.submit(_changes, desk, issue, door)
            answers = list(pool.map(lambda story: _ask(desk, story, door), issue.stories))
        return (*_links(issue.stories, answers), *_headlines(issue, changes.result()))


def refresh(desk: Desk, day: date) -> list[Change]:
    """Take the new headlines into the issue's gathered.json; the editor's own ones stay."""
    with desk.door("look") as door:
        changes = _changes(desk, issues.read_issue(desk.folder, day), door)
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


def _changes(desk: Desk, issue: Issue, door: Door) -> list[Change]:
    """The stories whose source names them otherwise now."""
    names = {story.article.source for story in issue.stories}
    chosen = [visited(desk, each, door) for each in desk.config.sources if each.name in names]
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


def _ask(desk: Desk, story: Story, door: Door) -> FetchError | None:
    """Why the story's page cannot be had; None where it can, or where there is none to have."""
    url = story.article.url
    if not url or is_made_up(url):
        return None
    try:
        reach(desk, door, url)
    except FetchError as fault:
        return fault
    return None


def _links(stories: Iterable[Story], answers: Iterable[FetchError | None]) -> Iterator[Finding]:
    unseen = []
    for story, fault in zip(stories, answers, strict=True):
        if fault is None or fault.status in KEEPS_OUT:
            continue
        if fault.status in GONE:
            yield error(
                "links",
                f"The page of “{story.headline}” is gone ({fault.status}): {story.article.url}",
                "Take the story out of issue.toml, or ask the desk where it is now.",
                story.article.id,
            )
        else:
            log.info("%s", fault)
            unseen.append(f"“{story.headline}”")
    if unseen:
        yield warning(
            "links",
            f"These pages could not be looked at just now: {', '.join(unseen)}.",
            "See whether they open in a browser.",
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
