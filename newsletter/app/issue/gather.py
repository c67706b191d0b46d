"""Read the sources into an issue's folder."""

from __future__ import annotations

import logging
from collections.abc import Container, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

from newsletter import issues, sources
from newsletter.app.desk import Desk
from newsletter.app.issue import hosted_pictures
from newsletter.config import SourceOptions
from newsletter.errors import ContentError, FetchError, UsageError
from newsletter.gather import Visited, dateline
from newsletter.gather import gather as run
from newsletter.http import Fetcher
from newsletter.model import Article, Dateline, Gathered, IssueName, Window
from newsletter.sanitize import is_shown_as_it_is
from newsletter.store import sends

log = logging.getLogger(__name__)

FIRST_WINDOW = timedelta(days=7)
LOOK_BACK = 8  # issues; a source that was down longer has lost what it published then


@dataclass(frozen=True)
class Gathering:
    """What one gather found."""

    gathered: Gathered
    new: tuple[str, ...]  # ids of the articles that an earlier gather did not have
    folder: Path


def gather(desk: Desk, issue: IssueName, since: date | None = None) -> Gathering:
    """Read the sources into gathered.json of the issue's folder.

    Raises FetchError when no source could be read; then nothing is changed.
    """
    folder = issues.folder_of(desk.folder, issue)
    before = issues.read_gathered(folder)
    with desk.reading() as connection:
        mailed = sends.mailed(connection, desk.name, but=issue)
        sent = sends.issues(connection, desk.name)
    kept = before or _left_out(desk, issue, sent)
    now = desk.clock()
    earlier = _earlier(desk, issue)
    window = _window(desk, now, since, kept, earlier, sent=issue in sent)
    with desk.fetcher() as fetcher, ThreadPoolExecutor(1) as beside:
        line = beside.submit(_dateline, desk, fetcher, issue)
        gathered = run(
            [visited(desk, options, fetcher) for options in desk.config.sources],
            window,
            now,
            before=kept,
            earlier=() if since else earlier,
            mailed=mailed,
        )
    gathered = replace(gathered, dateline=line.result() or gathered.dateline)
    if not desk.config.hosts_pictures:
        gathered = _linked(gathered)
    issues.write_gathered(folder, gathered)
    known = {article.id for article in before.articles} if before else set()
    new = tuple(article.id for article in gathered.articles if article.id not in known)
    return Gathering(gathered, new, folder)


def draft(desk: Desk, issue: IssueName, gathering: Gathering) -> bool:
    """Draft issue.toml and note.md where there are none, and fetch the pictures of the stories.

    False where there was a draft already; an editor's files are never overwritten.
    """
    drafted = issues.draft(
        gathering.folder,
        issue,
        gathering.gathered.articles,
        newsletter=desk.name,
        most=desk.config.newsletter.stories,
        untitled=desk.language.words["untitled"],
        sections=[s.section for s in desk.config.sources if s.section],
    )
    with suppress(ContentError):  # the editor may be in the middle of saving a file
        hosted_pictures.host(desk, desk.read_issue(issue))
    return drafted


def _linked(gathered: Gathered) -> Gathered:
    """Without the pictures that mail programs do not show: nobody converts them."""

    def bare(article: Article) -> Article:
        shown = article.image is None or is_shown_as_it_is(article.image)
        return article if shown else replace(article, image=None)

    return replace(
        gathered,
        articles=tuple(map(bare, gathered.articles)),
        left_out=tuple(replace(left, article=bare(left.article)) for left in gathered.left_out),
    )


def visited(desk: Desk, options: SourceOptions, fetcher: Fetcher) -> Visited:
    """A source that is ready to be read, with a fetcher that tracks its responses."""
    tracked = fetcher.tracked()
    around = sources.Surroundings(desk.folder, desk.config.zone, tracked)
    return Visited(options, lambda: sources.build(options, around), lambda: tracked.unchanged)


def _dateline(desk: Desk, fetcher: Fetcher, issue: IssueName) -> Dateline | None:
    """The line with the temperature, where the configuration asks for one and it can be had."""
    place = desk.config.dateline
    if place is None or place.latitude is None or place.longitude is None:
        return None
    try:
        return dateline.fetch(place, fetcher, issue.date)
    except FetchError as error:
        log.warning("The dateline goes without a new temperature: %s", error)
        return None


def _earlier(desk: Desk, issue: IssueName) -> list[Gathered]:
    """What was gathered for the issues before this one, the newest first."""
    days = [day for day in issues.existing(desk.folder) if day < issue][-LOOK_BACK:]
    found = (issues.read_gathered(issues.folder_of(desk.folder, day)) for day in reversed(days))
    return [gathered for gathered in found if gathered]


def _left_out(desk: Desk, issue: IssueName, sent: Container[IssueName]) -> Gathered | None:
    """What was gathered for the issue before this one, if that is left out: it comes with this one.

    A day is often taken from the timetable only when there is a draft already.
    """
    day = max((day for day in issues.existing(desk.folder) if day < issue), default=None)
    if day is None or day in sent or not desk.config.schedule.skipped(day.date):
        return None
    return issues.read_gathered(issues.folder_of(desk.folder, day))


def _window(
    desk: Desk,
    now: datetime,
    since: date | None,
    before: Gathered | None,
    earlier: Sequence[Gathered],
    *,
    sent: bool,
) -> Window:
    """From the previous issue's gather to now; a second gather keeps the first one's start.

    Of an issue that was sent the end stays, too: the next one begins there.
    """
    if since:
        start = datetime.combine(since, time(), tzinfo=desk.config.zone)
        if start >= now:
            raise UsageError(f"--since {since} lies in the future. Give a day before today.")
        return Window(start, now)
    if before:
        return before.window if sent else Window(before.window.start, now)
    return Window(earlier[0].window.end if earlier else now - FIRST_WINDOW, now)
