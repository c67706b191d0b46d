"""Plots as SVG for a page: its style has their colours, and words say what they show."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from markupsafe import Markup, escape

WIDTH, HEIGHT = 640, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 14, 30
_LABELS = 6  # along an axis, at most

Point = tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """What runs along one side: from ``low`` to ``high``, with words at some values."""

    low: float
    high: float
    marks: tuple[tuple[float, str], ...]

    def share(self, value: float) -> float:
        """Where a value lies, from 0 to 1."""
        return (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5


def numbers(highest: float, low: float = 0) -> Axis:
    """An axis of round numbers that ends above the highest."""
    step = _round_step((highest - low) / 4 or 1)
    first = math.floor(low / step) * step
    marks = []
    for i in count():
        value = first + i * step
        marks.append((value, _short(value)))
        if value >= highest:
            return Axis(first, value, tuple(marks))
    raise AssertionError  # count() never ends


def line(title: str, words: str, points: Sequence[Point], along: Axis, up: Axis) -> Markup:
    """A line with its area below; with few points each has a dot."""
    places = [_place(point, along, up) for point in points]
    path = "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    floor = HEIGHT - _BOTTOM
    area = f"{path} L{places[-1][0]:.1f} {floor} L{places[0][0]:.1f} {floor} Z"
    parts = [f'<path class="area" d="{area}"/>', f'<path class="line" d="{path}"/>']
    if len(places) <= 40:
        parts += [f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>' for x, y in places]
    return _plot(title, words, along, up, parts)


def columns(
    title: str, words: str, pairs: Sequence[tuple[float, float, float]], along: Axis, up: Axis
) -> Markup:
    """Two columns at each place along the axis, the second before the first."""
    wide = (WIDTH - _LEFT - _RIGHT) / max(1.0, along.high - along.low)
    parts = []
    for at, first, second in pairs:
        for kind, value, inset in (("first", first, 0.12), ("second", second, 0.3)):
            x, y = _place((at, value), along, up)
            tall = HEIGHT - _BOTTOM - y
            if tall > 0:
                parts.append(
                    f'<rect class="{kind}" x="{x + wide * inset:.1f}" y="{y:.1f}" '
                    f'width="{max(0.8, wide * (1 - 2 * inset)):.1f}" height="{tall:.1f}" rx="1"/>'
                )
    return _plot(title, words, along, up, parts)


def spread(values: Sequence[float], say: Callable[[float], str]) -> tuple[tuple[float, str], ...]:
    """Words at some of the values, evenly spread, the first and the last among them."""
    if len(values) <= _LABELS:
        chosen = list(values)
    else:
        chosen = [values[round(i * (len(values) - 1) / (_LABELS - 1))] for i in range(_LABELS)]
    return tuple((value, say(value)) for value in dict.fromkeys(chosen))


def _plot(title: str, words: str, along: Axis, up: Axis, parts: Sequence[str]) -> Markup:
    floor = HEIGHT - _BOTTOM
    frame: list[Any] = []
    for value, label in up.marks:
        _, y = _place((along.low, value), along, up)
        frame.append(
            f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{escape(label)}</text>'
        )
    for number, (value, label) in enumerate(along.marks):
        inner = 0 < number < len(along.marks) - 1
        kind = ' class="between"' if inner else ""  # left out where there is little room
        x, _ = _place((value, up.low), along, up)
        anchor = "start" if x < _LEFT + 20 else "end" if x > WIDTH - _RIGHT - 20 else "middle"
        place = f'x="{x:.1f}" y="{floor + 20}" text-anchor="{anchor}"'
        frame.append(f"<text{kind} {place}>{escape(label)}</text>")
    name = f"{title}. {words}"
    return Markup(  # noqa: S704 - numbers, and words that are escaped
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(name)}">'
        f"{''.join(frame)}{''.join(parts)}</svg>"
    )


def _place(point: Point, along: Axis, up: Axis) -> Point:
    x = _LEFT + along.share(point[0]) * (WIDTH - _LEFT - _RIGHT)
    y = HEIGHT - _BOTTOM - up.share(point[1]) * (HEIGHT - _TOP - _BOTTOM)
    return x, y


def _round_step(least: float) -> float:
    """The next of 1, 2, 5, 10, 20, 50, …"""
    size = 10 ** max(0, math.floor(math.log10(least))) if least >= 1 else 1
    return float(next(step for step in (size, 2 * size, 5 * size, 10 * size) if step >= least))


def _short(value: float) -> str:
    if value >= 1_000_000:
        return f"{value / 1_000_000:g}M"
    return f"{value / 1_000:g}k" if value >= 10_000 else f"{value:,.0f}"
