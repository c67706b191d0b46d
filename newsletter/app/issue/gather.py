"""Gather articles into an issue's folder, and draft the issue."""

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
from newsletter.sanitize import needs_no_conversion
from newsletter.store import sends

log = logging.getLogger(__name__)

FIRST_WINDOW = timedelta(days=7)
MAX_EARLIER = 8  # issues that are searched for articles of a source that was down


@dataclass(frozen=True)
class Gathering:
    """What one gather found."""

    gathered: Gathered
    new: tuple[str, ...]  # ids of the articles that an earlier gather did not have
    folder: Path


def gather(desk: Desk, issue: IssueName, since: date | None = None) -> Gathering:
    """Read the sources into gathered.json of the issue's folder.

    Raises FetchError if no source could be read; then nothing changes.
    """
    folder = issues.folder_of(desk.folder, issue)
    previous = issues.read_gathered(folder)
    with desk.reading() as connection:
        mailed = sends.mailed_articles(connection, desk.name, other_than=issue)
        sent = sends.states(connection, desk.name)
    base = previous or _skipped_issue(desk, issue, sent)
    now = desk.clock()
    earlier = _earlier(desk, issue)
    window = _window(desk, now, since, base, earlier, sent=issue in sent)
    with desk.fetcher() as fetcher, ThreadPoolExecutor(1) as pool:
        dateline_ = pool.submit(_dateline, desk, fetcher, issue)
        gathered = run(
            [open_source(desk, options, fetcher) for options in desk.config.sources],
            window,
            now,
            before=base,
            earlier=() if since else earlier,
            mailed=mailed,
        )
    gathered = replace(gathered, dateline=dateline_.result() or gathered.dateline)
    if not desk.config.hosts_pictures:
        gathered = _without_unshowable_pictures(gathered)
    issues.write_gathered(folder, gathered)
    earlier_ids = {article.id for article in previous.articles} if previous else set()
    new = tuple(article.id for article in gathered.articles if article.id not in earlier_ids)
    return Gathering(gathered, new, folder)


def draft(desk: Desk, issue: IssueName, gathering: Gathering) -> bool:
    """Draft issue.toml and note.md if they are missing, and fetch the stories' pictures.

    False if there is a draft already; an editor's files are never overwritten.
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


def _without_unshowable_pictures(gathered: Gathered) -> Gathered:
    """Without pictures that mail programs do not show, because nothing converts linked ones."""

    def cleaned(article: Article) -> Article:
        showable = article.image is None or needs_no_conversion(article.image)
        return article if showable else replace(article, image=None)

    return replace(
        gathered,
        articles=tuple(map(cleaned, gathered.articles)),
        left_out=tuple(replace(left, article=cleaned(left.article)) for left in gathered.left_out),
    )


def open_source(desk: Desk, options: SourceOptions, fetcher: Fetcher) -> Visited:
    """A source that is ready to be read, with a fetcher that tracks its responses."""
    tracked = fetcher.tracked()
    around = sources.Surroundings(desk.folder, desk.config.zone, tracked)
    return Visited(options, lambda: sources.build(options, around), lambda: tracked.unchanged)


def _dateline(desk: Desk, fetcher: Fetcher, issue: IssueName) -> Dateline | None:
    """The line with the temperature, if one is configured and the service answers."""
    place = desk.config.dateline
    if place is None or place.latitude is None or place.longitude is None:
        return None
    try:
        return dateline.fetch(place, fetcher, issue.date)
    except FetchError as error:
        log.warning("The dateline has no new temperature: %s", error)
        return None


def _earlier(desk: Desk, issue: IssueName) -> list[Gathered]:
    """What was gathered for earlier issues, newest first."""
    names = [name for name in issues.existing(desk.folder) if name < issue][-MAX_EARLIER:]
    all_gathered = (issues.read_gathered(issues.folder_of(desk.folder, n)) for n in reversed(names))
    return [gathered for gathered in all_gathered if gathered]


def _skipped_issue(desk: Desk, issue: IssueName, sent: Container[IssueName]) -> Gathered | None:
    """What was gathered for the previous issue, if the timetable skips it: it joins this one.

    A day is often skipped when its draft already exists.
    """
    previous = max((name for name in issues.existing(desk.folder) if name < issue), default=None)
    if previous is None or previous in sent or not desk.config.schedule.skipped(previous.date):
        return None
    return issues.read_gathered(issues.folder_of(desk.folder, previous))


def _window(
    desk: Desk,
    now: datetime,
    since: date | None,
    previous: Gathered | None,
    earlier: Sequence[Gathered],
    *,
    sent: bool,
) -> Window:
    """From the previous issue's gather to now; a second gather keeps the first one's start.

    The window of a sent issue stays as it is, because the next one starts where it ends.
    """
    if since:
        start = datetime.combine(since, time(), tzinfo=desk.config.zone)
        if start >= now:
            raise UsageError(f"--since {since} is in the future. Give a day before today.")
        return Window(start, now)
    if previous:
        return previous.window if sent else Window(previous.window.start, now)
    return Window(earlier[0].window.end if earlier else now - FIRST_WINDOW, now)
