"""The figures of an issue: deliveries, bounces, unsubscribes, opens and clicks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import lxml.html
from lxml import etree

from newsletter import providers
from newsletter.app.desk import Desk
from newsletter.app.send import receipts
from newsletter.config import TrackingOptions
from newsletter.errors import NotReadyError
from newsletter.model import IssueName, Receipt, Reported
from newsletter.sanitize import canonical
from newsletter.store import figures, list_growth
from newsletter.store.figures import EventCounts, ReaderActivity
from newsletter.store.sends import FrozenSend


@dataclass(frozen=True)
class Count:
    """How many readers, and how often."""

    readers: int = 0
    times: int = 0


@dataclass(frozen=True)
class PeopleAndMachines:
    """What people did, and what scanners and mail programs did."""

    people: Count = Count()
    machines: Count = Count()


@dataclass(frozen=True)
class LinkClicks:
    """The clicks on one link of the mail."""

    link: str
    title: str | None  # the story's headline; None if the link leads to no story
    clicks: PeopleAndMachines


@dataclass(frozen=True)
class Rate:
    """A share of something."""

    share: float  # from 0 to 1
    of: str  # the denominator in words, such as "of those accepted"


@dataclass(frozen=True)
class Figures:
    """The figures of one issue."""

    issue: IssueName
    subject: str
    receipt: Receipt
    sent_at: datetime
    reported: bool  # whether the provider, or returned mail, reported anything
    delivered: int | None  # None if it is unknown
    deferred: int
    hard_bounces: int
    soft_bounces: int
    dropped: int
    nothing_yet: int  # accepted, and nothing reported since
    complained: int
    unsubscribed: int  # before the next issue
    opens: PeopleAndMachines | None  # None if they are not tracked, or nothing was reported
    clicks: PeopleAndMachines | None  # None if they are not tracked, or nothing was reported
    stories: tuple[LinkClicks, ...]  # in the order of the mail
    other_links: tuple[LinkClicks, ...]  # the most clicked first
    arrivals: tuple[tuple[datetime, int], ...] = field(repr=False)  # minute, deliveries
    hours: tuple[tuple[datetime, int, int], ...] = field(repr=False)  # hour, opens, clicks
    list_growth: tuple[tuple[date, int], ...] = field(repr=False)  # day, readers on the list
    per_reader: bool = False  # whether it is stored who opened and clicked
    events_until: datetime | None = None  # when the events will be deleted
    events_deleted: bool = False
    notes: tuple[str, ...] = ()  # what is unknown, and why

    @property
    def rates(self) -> dict[str, Rate]:
        """Figure → its share; without those whose denominator is 0."""
        accepted = (self.receipt.accepted, "of those accepted")
        arrived = accepted if self.delivered is None else (self.delivered, "of those delivered")
        counts = [("left", self.unsubscribed, accepted)]
        if self.delivered is not None:
            counts.append(("delivered", self.delivered, accepted))
        if self.reported:
            counts.append(("bounced", self.hard_bounces + self.soft_bounces, accepted))
            counts.append(("complained", self.complained, arrived))
        if self.opens:
            counts.append(("opened", self.opens.people.readers, arrived))
        if self.clicks:
            counts.append(("clicked", self.clicks.people.readers, arrived))
        return {name: Rate(n / total, of) for name, n, (total, of) in counts if total}


def compute(desk: Desk, issue: IssueName) -> Figures:
    """The figures of the issue. Raises NotReadyError if it was never sent."""
    frozen, receipt = desk.require_sent(issue), receipts.receipt(desk, issue)
    send_id = frozen.send.id
    with desk.reading() as connection:
        counted = figures.event_counts(connection, send_id)
        states = figures.reported_counts(connection, send_id)
        arrivals = figures.delivered_by_minute(connection, send_id)
        deleted = figures.closed_at(connection, send_id) is not None
        growth = list_growth.by_day(connection, frozen.list_id)
        articles = figures.articles(connection, send_id)
    opens, clicks = _people_and_machines(counted["opens"]), _people_and_machines(counted["clicks"])
    tracked = _tracked(desk, opens, clicks)
    stories, other_links = _clicks_by_link(frozen, articles, counted)
    any_click = opens != PeopleAndMachines() or clicks != PeopleAndMachines()
    reported = any(states.values()) or counted["complained"] > 0 or any_click
    opens_known, clicks_known = (reported and is_tracked for is_tracked in tracked)
    deliveries_known = states[Reported.PROCESSED] + states[Reported.DELIVERED] > 0
    return Figures(
        issue=issue,
        subject=frozen.send.subject,
        receipt=receipt,
        sent_at=frozen.send.send_at or frozen.created_at,
        reported=reported,
        delivered=states[Reported.DELIVERED] if deliveries_known else None,
        deferred=states[Reported.DEFERRED],
        hard_bounces=states[Reported.BOUNCED],
        soft_bounces=states[Reported.BLOCKED],
        dropped=states[Reported.DROPPED],
        nothing_yet=max(0, receipt.accepted - sum(states.values())),
        complained=counted["complained"],
        unsubscribed=counted["left"],
        opens=opens if opens_known else None,
        clicks=clicks if clicks_known else None,
        stories=stories if clicks_known else (),
        other_links=other_links if clicks_known else (),
        arrivals=tuple((_utc(minute), count) for minute, count in arrivals),
        hours=tuple((_utc(f"{hour}:00"), o, c) for hour, o, c in counted["hours"]),
        list_growth=tuple(growth.items()),
        per_reader=desk.config.privacy.per_reader,
        events_until=frozen.created_at + desk.config.privacy.keep_events,
        events_deleted=deleted,
        notes=_notes(desk, reported, deliveries_known, tracked),
    )


@contextmanager
def readers(desk: Desk, issue: IssueName) -> Iterator[Iterator[ReaderActivity]]:
    """The readers who opened or clicked, one by one. Raises NotReadyError if it is not stored."""
    frozen = desk.require_sent(issue)
    if not desk.config.privacy.per_reader:
        raise NotReadyError(
            "Who opened and clicked is not stored. If your readers have agreed to it, set "
            "[privacy] per_reader = true; it is stored from then on."
        )
    with desk.reading() as connection:
        if figures.closed_at(connection, frozen.send.id):
            raise NotReadyError(
                f"Who opened and clicked in {issue} was deleted after [privacy] keep_events. "
                f"See the issue's figures with: newsletter report {issue}"
            )
        yield figures.reader_activity(connection, frozen.send.id)


_OUTBOX = "Nothing was delivered: the outbox writes files and sends no mail."
_NO_EVENTS = (
    "Nothing was reported of this issue. Point the webhook of {provider} to /events/{provider} of "
    "newsletter serve."
)
_REPORTS_NOTHING = (
    "Deliveries are unknown: the provider does not report them. Read returned mail with: "
    "newsletter bounces FILE"
)


def _tracked(desk: Desk, opens: PeopleAndMachines, clicks: PeopleAndMachines) -> tuple[bool, bool]:
    """Whether opens and clicks are tracked now, or were when the issue was sent."""
    options = desk.config.provider
    tracks = options if isinstance(options, TrackingOptions) else TrackingOptions(type=options.type)
    nothing = PeopleAndMachines()
    return tracks.open_tracking or opens != nothing, tracks.click_tracking or clicks != nothing


def _notes(
    desk: Desk, reported: bool, deliveries_known: bool, tracked: tuple[bool, bool]
) -> tuple[str, ...]:
    notes = []
    if not reported:
        notes.append(_why_unreported(desk.config.provider.type))
    elif not deliveries_known:
        notes.append("Deliveries are unknown; only returned mail was read.")
    untracked = [name for name, on in zip(("Opens", "Clicks"), tracked, strict=True) if not on]
    if untracked:
        notes.append(f"{' and '.join(untracked).capitalize()} are not tracked.")
    return tuple(notes)


def _why_unreported(provider: str) -> str:
    if provider == "outbox":
        return _OUTBOX
    if providers.reports(provider):
        return _NO_EVENTS.format(provider=providers.short_name(provider))
    return _REPORTS_NOTHING


def _people_and_machines(pairs: list[tuple[int, int]]) -> PeopleAndMachines:
    people, machines = pairs
    return PeopleAndMachines(Count(*people), Count(*machines))


def _clicks_by_link(
    frozen: FrozenSend, articles: list[tuple[str, str | None]], counted: EventCounts
) -> tuple[tuple[LinkClicks, ...], tuple[LinkClicks, ...]]:
    """The stories in the order of the mail, and the other links, the most clicked first."""
    urls = [url for _, url in articles if url]
    titles = _headlines(frozen.send.html, set(urls))
    clicks = {
        link: _people_and_machines([people, machines])
        for link, people, machines in counted["links"]
    }
    stories = tuple(
        LinkClicks(url, titles.get(url, url), clicks.pop(url, PeopleAndMachines()))
        for url in dict.fromkeys(urls)
    )
    other_links = (LinkClicks(link, None, counts) for link, counts in clicks.items())
    ranked = sorted(other_links, key=lambda link: (-link.clicks.people.readers, link.link))
    return stories, tuple(ranked)


def _headlines(html: str, urls: set[str]) -> dict[str, str]:
    """A story's address → its headline in the mail: the longest text that links to it."""
    try:
        page = lxml.html.document_fromstring(html)
    except (etree.LxmlError, ValueError):
        return {}
    headlines: dict[str, str] = {}
    for link in page.iter("a"):
        url, text = canonical(link.get("href") or ""), " ".join(link.text_content().split())
        if url in urls and len(text) > len(headlines.get(url, "")):
            headlines[url] = text
    return headlines


def _utc(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
