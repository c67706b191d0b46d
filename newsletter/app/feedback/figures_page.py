"""An issue's figures as one HTML file to store, mail or print: no script, nothing loaded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from markupsafe import Markup

from newsletter.app import Desk
from newsletter.app.feedback import charts
from newsletter.app.feedback.charts import Axis
from newsletter.app.feedback.figures import Figures, LinkClicks
from newsletter.render.jinja import own_template

_TEMPLATES = Path(__file__).parent / "templates"
_ARRIVALS_SHARE = 0.99  # of the deliveries; the chart of arrivals ends there
_HOURS = 72
_MAX_OTHER_LINKS = 15
_DAY = 24 * 60  # minutes


def page(desk: Desk, figures: Figures) -> str:
    """The HTML of the page."""
    zone, until = desk.config.zone, figures.events_until
    style = (_TEMPLATES / "figures.css").read_text(encoding="utf-8")
    return own_template(
        _TEMPLATES / "figures.html.j2"
    ).render(
        newsletter=desk.name,
        figures=figures,
        sent=f"{figures.sent_at.astimezone(zone):%A, %d %B %Y, %H:%M %Z}",
        until=f"{until.astimezone(zone):%d %B %Y}" if until else "",
        style=Markup(style),  # noqa: S704 - our own file
        outcomes=_outcomes(figures),
        tiles=_tiles(figures),
        arrivals=_arrivals(figures, desk),
        hours=_hours(figures, desk),
        list_growth=_list_growth(figures),
        stories=_bars(figures.stories),
        other_links=_bars(figures.other_links[:_MAX_OTHER_LINKS]),
        links_left=max(0, len(figures.other_links) - _MAX_OTHER_LINKS),
    )


def _outcomes(figures: Figures) -> list[dict[str, Any]]:
    """The parts of one bar: what happened to the accepted mails. ``x`` and ``width`` in percent."""
    if not figures.reported:
        return []
    counts = [
        ("delivered", "delivered", figures.delivered or 0),
        ("deferred", "still tried", figures.deferred),
        ("soft-bounce", "soft bounces", figures.soft_bounces),
        ("hard-bounce", "hard bounces", figures.hard_bounces),
        ("dropped", "not tried by the provider", figures.dropped),
        ("nothing", "no news yet", figures.nothing_yet),
    ]
    total, x, parts = sum(n for _, _, n in counts) or 1, 0.0, []
    for css_class, label, n in counts:
        if n:
            width = 100 * n / total
            parts.append({"class": css_class, "label": label, "n": n, "x": x, "width": width})
            x += width
    return parts


def _tiles(figures: Figures) -> list[tuple[str, str, str]]:
    """The figures at the top: a label, a number, and its share of what."""
    tiles = [("accepted", f"{figures.receipt.accepted:,}", "by the provider")]
    if figures.delivered is not None:
        tiles.append(("delivered", f"{figures.delivered:,}", _rate(figures, "delivered")))
    if figures.reported:
        bounced = figures.hard_bounces + figures.soft_bounces
        tiles += [
            ("bounced", f"{bounced:,}", _rate(figures, "bounced")),
            ("complained", f"{figures.complained:,}", _rate(figures, "complained")),
        ]
    tiles.append(("unsubscribed since", f"{figures.unsubscribed:,}", _rate(figures, "left")))
    for name, counts in (("opened", figures.opens), ("clicked", figures.clicks)):
        if counts is not None:
            people, machines = counts.people, counts.machines
            tiles.append((f"{name}, people", f"{people.readers:,}", _rate(figures, name)))
            times = f"{machines.times:,} times"
            tiles.append((f"{name}, machines", f"{machines.readers:,}", times))
    return tiles


def _rate(figures: Figures, name: str) -> str:
    rate = figures.rates.get(name)
    return f"{rate.share:.1%} {rate.of}" if rate else ""


def _arrivals(figures: Figures, desk: Desk) -> Markup | None:
    """How many readers had the mail by when."""
    if not figures.arrivals:
        return None
    delivered, total, points = sum(n for _, n in figures.arrivals), 0, []
    for minute, n in figures.arrivals:
        total += n
        points.append((minute.timestamp() / 60, float(total)))
        if total >= _ARRIVALS_SHARE * delivered:
            break
    # The curve starts at 0, one minute before the first deliveries.
    points.insert(0, (points[0][0] - 1, 0.0))
    start, end = points[0][0], points[-1][0]
    minutes = end - start
    marks = [float(round(start + minutes * i / 5)) for i in range(6)]
    time_format = "%H:%M" if minutes < _DAY else "%a %H:%M"

    def label(minute: float) -> str:
        return f"{datetime.fromtimestamp(minute * 60, desk.config.zone):{time_format}}"

    x_axis = Axis(start, end, charts.spaced_labels(marks, label))
    description = f"{points[-1][1]:,.0f} of {delivered:,} within {_duration(minutes)}."
    y_axis = charts.number_axis(points[-1][1])
    return charts.line_chart("Deliveries over time", description, points, x_axis, y_axis)


def _hours(figures: Figures, desk: Desk) -> Markup | None:
    """Opens and clicks of people in the first days, by the hour."""
    if not figures.hours:
        return None
    first = figures.hours[0][0]
    columns = [
        (float(hour), float(opens), float(clicks))
        for moment, opens, clicks in figures.hours
        if (hour := (moment - first) // timedelta(hours=1)) < _HOURS
    ]
    end = max(24.0, columns[-1][0] + 1)

    def label(hour: float) -> str:
        return f"{(first + timedelta(hours=hour)).astimezone(desk.config.zone):%a %H:%M}"

    x_axis = Axis(0, end, charts.spaced_labels([end * i / 4 for i in range(5)], label))
    y_axis = charts.number_axis(max(max(opens, clicks) for _, opens, clicks in columns))
    opens, clicks = sum(column[1] for column in columns), sum(column[2] for column in columns)
    description = f"{opens:,.0f} opens and {clicks:,.0f} clicks in {end:.0f} hours."
    title = "Opens and clicks of people by the hour"
    return charts.column_chart(title, description, columns, x_axis, y_axis)


def _list_growth(figures: Figures) -> Markup | None:
    """Readers on the list, day by day."""
    days = figures.list_growth
    if len(days) < 2:
        return None
    points = [(float(day.toordinal()), float(n)) for day, n in days]
    description = f"From {days[0][1]:,} on {days[0][0]} to {days[-1][1]:,} on {days[-1][0]}."
    lowest, highest = min(n for _, n in points), max(n for _, n in points)
    low = 0 if lowest < highest / 2 else lowest - (highest - lowest) / 2

    def label(ordinal: float) -> str:
        return f"{date.fromordinal(round(ordinal)):%d %b %y}"

    labels = charts.spaced_labels([day for day, _ in points], label)
    x_axis = Axis(points[0][0], points[-1][0], labels)
    y_axis = charts.number_axis(highest, low)
    return charts.line_chart("List growth", description, points, x_axis, y_axis)


def _bars(links: Sequence[LinkClicks]) -> list[dict[str, Any]]:
    """Each link with the lengths of its two bars, in percent of the longest."""
    clicks = [link.clicks for link in links]
    longest = max((c.people.readers + c.machines.readers for c in clicks), default=0) or 1
    return [
        {
            "label": link.title or link.link,
            "link": link.link,
            "people": link.clicks.people,
            "machines": link.clicks.machines,
            "people_width": 100 * link.clicks.people.readers / longest,
            "machines_width": 100 * link.clicks.machines.readers / longest,
        }
        for link in links
    ]


def _duration(minutes: float) -> str:
    if minutes < 2:
        return "a minute"
    return f"{minutes:.0f} minutes" if minutes < 120 else f"{minutes / 60:.0f} hours"
