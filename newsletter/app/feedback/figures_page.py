"""An issue's figures as a page that can be kept, mailed and printed: no script, nothing loaded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from markupsafe import Markup

from newsletter.app import Desk
from newsletter.app.feedback import plots
from newsletter.app.feedback.figures import Figures, LinkClicks
from newsletter.app.feedback.plots import Axis
from newsletter.render.filling import own

_TEMPLATES = Path(__file__).parent / "templates"
_NEARLY = 0.99  # the plot of arrivals ends when so many have arrived
_HOURS = 72
_OTHERS = 15  # links that are no story's
_DAY = 24 * 60  # minutes


def page(desk: Desk, found: Figures) -> str:
    """The whole page."""
    zone = desk.config.zone
    template = own(_TEMPLATES / "report.html.j2")
    return template.render(
        newsletter=desk.name,
        found=found,
        sent=f"{found.sent_at.astimezone(zone):%A, %d %B %Y, %H:%M %Z}",
        until=f"{found.events_until.astimezone(zone):%d %B %Y}" if found.events_until else "",
        style=Markup((_TEMPLATES / "report.css").read_text(encoding="utf-8")),  # noqa: S704 - ours
        parts=_parts(found),
        tiles=_tiles(found),
        arrivals=_arrivals(found, desk),
        hours=_hours(found, desk),
        growth=_growth(found),
        stories=_bars(found.stories),
        others=_bars(found.others[:_OTHERS]),
        more=max(0, len(found.others) - _OTHERS),
    )


def _parts(found: Figures) -> list[dict[str, Any]]:
    """What became of those whom the provider has accepted, as parts of one bar."""
    if not found.reported:
        return []
    parts = [
        ("delivered", "delivered", found.delivered or 0),
        ("deferred", "still tried", found.deferred),
        ("blocked", "came back for now", found.blocked),
        ("bounced", "came back for good", found.bounced),
        ("dropped", "not tried by the provider", found.dropped),
        ("nothing", "no word yet", found.nothing_yet),
    ]
    whole, begin, shown = sum(n for _, _, n in parts) or 1, 0.0, []
    for kind, words, n in parts:
        if n:
            share = n / whole
            shown.append({"kind": kind, "words": words, "n": n, "x": 100 * begin, "w": 100 * share})
            begin += share
    return shown


def _tiles(found: Figures) -> list[tuple[str, str, str]]:
    """The figures at the top: a number, what it counts, and its share of what."""
    tiles = [("accepted", f"{found.receipt.accepted:,}", "by the provider")]
    if found.delivered is not None:
        tiles.append(("delivered", f"{found.delivered:,}", _rate(found, "delivered")))
    if found.reported:
        back = found.bounced + found.blocked
        tiles += [
            ("came back", f"{back:,}", _rate(found, "bounced")),
            ("complained", f"{found.complained:,}", _rate(found, "complained")),
        ]
    tiles.append(("left the list since", f"{found.left:,}", _rate(found, "left")))
    for name, what in (("opened", found.opens), ("clicked", found.clicks)):
        if what is not None:
            tiles.append((f"{name}, people", f"{what.people.readers:,}", _rate(found, name)))
            by = f"{what.machines.times:,} times"
            tiles.append((f"{name}, machines", f"{what.machines.readers:,}", by))
    return tiles


def _rate(found: Figures, name: str) -> str:
    rate = found.rates.get(name)
    return f"{rate.share:.1%} {rate.of}" if rate else ""


def _arrivals(found: Figures, desk: Desk) -> Markup | None:
    """How many had it by when."""
    if not found.arrivals:
        return None
    whole, total, points = sum(n for _, n in found.arrivals), 0, []
    for at, n in found.arrivals:
        total += n
        points.append((at.timestamp() / 60, float(total)))
        if total >= _NEARLY * whole:
            break
    # A curve that rises from nothing: the first minute has its own arrivals already.
    points.insert(0, (points[0][0] - 1, 0.0))
    minutes = points[-1][0] - points[0][0]
    ends = [float(round(points[0][0] + minutes * i / 5)) for i in range(6)]
    shape = "%H:%M" if minutes < _DAY else "%a %H:%M"

    def clock(minute: float) -> str:
        return f"{datetime.fromtimestamp(minute * 60, desk.config.zone):{shape}}"

    along = Axis(points[0][0], points[-1][0], plots.spread(ends, clock))
    words = f"{points[-1][1]:,.0f} of {whole:,} within {_span(minutes)}."
    return plots.line("Deliveries over time", words, points, along, plots.numbers(points[-1][1]))


def _hours(found: Figures, desk: Desk) -> Markup | None:
    """What people did in the first days, by the hour."""
    if not found.hours:
        return None
    first = found.hours[0][0]
    pairs = [
        (float(hour), float(opens), float(clicks))
        for at, opens, clicks in found.hours
        if (hour := (at - first) // timedelta(hours=1)) < _HOURS
    ]
    last = max(24.0, pairs[-1][0] + 1)

    def moment(hour: float) -> str:
        return f"{(first + timedelta(hours=hour)).astimezone(desk.config.zone):%a %H:%M}"

    along = Axis(0, last, plots.spread([last * i / 4 for i in range(5)], moment))
    highest = max(max(pair[1:]) for pair in pairs)
    opens, clicks = sum(pair[1] for pair in pairs), sum(pair[2] for pair in pairs)
    words = f"{opens:,.0f} opens and {clicks:,.0f} clicks in {last:.0f} hours."
    return plots.columns(
        "Opens and clicks of people by the hour", words, pairs, along, plots.numbers(highest)
    )


def _growth(found: Figures) -> Markup | None:
    """Readers on the list, day by day."""
    days = found.growth
    if len(days) < 2:
        return None
    points = [(float(day.toordinal()), float(n)) for day, n in days]
    words = f"From {days[0][1]:,} on {days[0][0]} to {days[-1][1]:,} on {days[-1][0]}."
    lowest, highest = min(p[1] for p in points), max(p[1] for p in points)
    low = 0 if lowest < highest / 2 else lowest - (highest - lowest) / 2

    def day(number: float) -> str:
        return f"{date.fromordinal(round(number)):%d %b %y}"

    along = Axis(points[0][0], points[-1][0], plots.spread([p[0] for p in points], day))
    return plots.line("List growth", words, points, along, plots.numbers(highest, low))


def _bars(links: Sequence[LinkClicks]) -> list[dict[str, Any]]:
    """Each link with the lengths of its bars, in parts of a hundred."""
    most = max(
        (c.people.readers + c.machines.readers for c in (f.clicks for f in links)), default=0
    )
    return [
        {
            "words": link.title or link.link,
            "link": link.link,
            "people": link.clicks.people,
            "machines": link.clicks.machines,
            "by_people": 100 * link.clicks.people.readers / (most or 1),
            "by_machines": 100 * link.clicks.machines.readers / (most or 1),
        }
        for link in links
    ]


def _span(minutes: float) -> str:
    if minutes < 2:
        return "a minute"
    return f"{minutes:.0f} minutes" if minutes < 120 else f"{minutes / 60:.0f} hours"
