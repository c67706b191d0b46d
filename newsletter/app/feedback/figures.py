"""An issue in figures: what arrived, who left, and which stories were followed."""

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
from newsletter.store.figures import Counted, Reader
from newsletter.store.sends import Frozen


@dataclass(frozen=True)
class Count:
    """How many readers, and how often."""

    readers: int = 0
    times: int = 0


@dataclass(frozen=True)
class PeopleAndMachines:
    """What people did, and what machines did before or instead of them."""

    people: Count = Count()
    machines: Count = Count()


@dataclass(frozen=True)
class LinkClicks:
    """A link of the mail. ``title``: the story's headline; None for what is no story."""

    link: str
    title: str | None
    clicks: PeopleAndMachines


@dataclass(frozen=True)
class Rate:
    """A share, and in words of what."""

    share: float
    of: str


@dataclass(frozen=True)
class Figures:
    """The figures of one issue.

    ``reported``: whether anything was said of it; ``delivered`` is None where only what came back
    by mail is known. ``opens`` and ``clicks`` are None where nobody looks for them, or nothing was
    said. ``arrivals``: minute (UTC) → how many; ``hours``: the hour (UTC),
    opens and clicks of people; ``growth``: day → readers on the list.
    """

    issue: IssueName
    subject: str
    receipt: Receipt
    sent_at: datetime
    reported: bool
    delivered: int | None
    deferred: int
    bounced: int
    blocked: int
    dropped: int
    nothing_yet: int  # accepted by the provider, and no word since
    complained: int
    left: int
    opens: PeopleAndMachines | None
    clicks: PeopleAndMachines | None
    stories: tuple[LinkClicks, ...]
    others: tuple[LinkClicks, ...]
    arrivals: tuple[tuple[datetime, int], ...] = field(repr=False)
    hours: tuple[tuple[datetime, int, int], ...] = field(repr=False)
    growth: tuple[tuple[date, int], ...] = field(repr=False)
    per_reader: bool = False
    events_until: datetime | None = None  # until when the events themselves are kept
    events_gone: bool = False
    notes: tuple[str, ...] = ()

    @property
    def rates(self) -> dict[str, Rate]:
        """Each share with its denominator; those that have one."""
        accepted = (self.receipt.accepted, "of those accepted")
        arrived = accepted if self.delivered is None else (self.delivered, "of those delivered")
        pairs = [("left", self.left, accepted)]
        if self.delivered is not None:
            pairs.append(("delivered", self.delivered, accepted))
        if self.reported:
            pairs.append(("bounced", self.bounced + self.blocked, accepted))
            pairs.append(("complained", self.complained, arrived))
        if self.opens:
            pairs.append(("opened", self.opens.people.readers, arrived))
        if self.clicks:
            pairs.append(("clicked", self.clicks.people.readers, arrived))
        return {name: Rate(n / whole, of) for name, n, (whole, of) in pairs if whole}


def compute(desk: Desk, issue: IssueName) -> Figures:
    """The figures of the issue. Raises NotReadyError where it was never sent."""
    frozen, receipt = desk.require_sent(issue), receipts.receipt(desk, issue)
    send_id = frozen.send.id
    with desk.reading() as connection:
        counted = figures.counted(connection, send_id)
        states = figures.states(connection, send_id)
        arrivals = figures.delivered_by_minute(connection, send_id)
        gone = figures.closed_at(connection, send_id) is not None
        grown = list_growth.of(connection, frozen.list_id)
        articles = figures.articles(connection, send_id)
    opens, clicks = _apart(counted["opens"]), _apart(counted["clicks"])
    looked_for = _looked_for(desk, opens, clicks)
    stories, others = _followed(frozen, articles, counted)
    seen = opens != PeopleAndMachines() or clicks != PeopleAndMachines()
    reported = any(states.values()) or counted["complained"] > 0 or seen
    opens_known, clicks_known = (reported and looked for looked in looked_for)
    arrival = states[Reported.PROCESSED] + states[Reported.DELIVERED] > 0
    return Figures(
        issue=issue,
        subject=frozen.send.subject,
        receipt=receipt,
        sent_at=frozen.send.send_at or frozen.created_at,
        reported=reported,
        delivered=states[Reported.DELIVERED] if arrival else None,
        deferred=states[Reported.DEFERRED],
        bounced=states[Reported.BOUNCED],
        blocked=states[Reported.BLOCKED],
        dropped=states[Reported.DROPPED],
        nothing_yet=max(0, receipt.accepted - sum(states.values())),
        complained=counted["complained"],
        left=counted["left"],
        opens=opens if opens_known else None,
        clicks=clicks if clicks_known else None,
        stories=stories if clicks_known else (),
        others=others if clicks_known else (),
        arrivals=tuple((_utc(minute), count) for minute, count in arrivals),
        hours=tuple((_utc(f"{hour}:00"), o, c) for hour, o, c in counted["hours"]),
        growth=tuple(grown.items()),
        per_reader=desk.config.privacy.per_reader,
        events_until=frozen.created_at + desk.config.privacy.keep_events,
        events_gone=gone,
        notes=_notes(desk, reported, arrival, looked_for),
    )


@contextmanager
def readers(desk: Desk, issue: IssueName) -> Iterator[Iterator[Reader]]:
    """Who opened and clicked, one by one. Raises NotReadyError where that is not kept."""
    frozen = desk.require_sent(issue)
    if not desk.config.privacy.per_reader:
        raise NotReadyError(
            "It is not kept who opened and clicked. If your readers have agreed to it, set "
            "[privacy] per_reader = true; it counts from then on."
        )
    with desk.reading() as connection:
        if figures.closed_at(connection, frozen.send.id):
            raise NotReadyError(
                f"Who opened and clicked in {issue} is deleted, as [privacy] keep_events says. "
                f"Its figures are there: newsletter report {issue}"
            )
        yield figures.by_reader(connection, frozen.send.id)


_OUTBOX = "Nothing arrived: the outbox writes files, and mails nothing."
_UNREPORTED = (
    "Nothing was reported of this issue. Point the webhook of {provider} to /events/{provider} of "
    "newsletter serve."
)
_SILENT = (
    "What arrived is not known: the provider reports nothing. Read what came back by mail with: "
    "newsletter bounces FILE"
)


def _looked_for(
    desk: Desk, opens: PeopleAndMachines, clicks: PeopleAndMachines
) -> tuple[bool, bool]:
    """Whether anybody looks for opens and for clicks: now, or when the issue went out."""
    options = desk.config.provider
    tracks = options if isinstance(options, TrackingOptions) else TrackingOptions(type=options.type)
    nothing = PeopleAndMachines()
    return tracks.open_tracking or opens != nothing, tracks.click_tracking or clicks != nothing


def _notes(
    desk: Desk, reported: bool, arrival: bool, looked_for: tuple[bool, bool]
) -> tuple[str, ...]:
    """What is not known, and why: a zero would say something else."""
    said = []
    if not reported:
        said.append(_silence(desk.config.provider.type))
    elif not arrival:
        said.append("What arrived is not known, only what came back.")
    missing = [name for name, on in zip(("Opens", "Clicks"), looked_for, strict=True) if not on]
    if missing:
        said.append(f"{' and '.join(missing).capitalize()} are not tracked.")
    return tuple(said)


def _silence(provider: str) -> str:
    """Why nothing is reported of an issue, and what to do about it."""
    if provider == "outbox":
        return _OUTBOX
    if providers.reports(provider):
        return _UNREPORTED.format(provider=providers.short_name(provider))
    return _SILENT


def _apart(pairs: list[tuple[int, int]]) -> PeopleAndMachines:
    people, machines = pairs
    return PeopleAndMachines(Count(*people), Count(*machines))


def _followed(
    frozen: Frozen, articles: list[tuple[str, str | None]], counted: Counted
) -> tuple[tuple[LinkClicks, ...], tuple[LinkClicks, ...]]:
    """The stories in the order of the mail, and the other links, the most followed first."""
    places = [address for _, address in articles if address]
    titles = _titles(frozen.send.html, set(places))
    clicks = {link: _apart([people, machines]) for link, people, machines in counted["links"]}
    stories = tuple(
        LinkClicks(place, titles.get(place, place), clicks.pop(place, PeopleAndMachines()))
        for place in dict.fromkeys(places)
    )
    rest = (LinkClicks(link, None, counts) for link, counts in clicks.items())
    return stories, tuple(sorted(rest, key=lambda f: (-f.clicks.people.readers, f.link)))


def _titles(html: str, places: set[str]) -> dict[str, str]:
    """Address of a story → its headline, as the mail has it: the longest words that lead there."""
    try:
        page = lxml.html.document_fromstring(html)
    except (etree.LxmlError, ValueError):
        return {}
    found: dict[str, str] = {}
    for link in page.iter("a"):
        place, words = canonical(link.get("href") or ""), " ".join(link.text_content().split())
        if place in places and len(words) > len(found.get(place, "")):
            found[place] = words
    return found


def _utc(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
