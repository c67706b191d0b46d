"""Charts as SVG. The page's style sheet colors them, and a description says what they show."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count

from markupsafe import Markup, escape

WIDTH, HEIGHT = 640, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 14, 14, 30  # margins around the plot area
_FLOOR = HEIGHT - _BOTTOM
_MAX_LABELS = 6  # on the horizontal axis
_MAX_DOTS = 40

Point = tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """One side of a chart."""

    low: float
    high: float
    labels: tuple[tuple[float, str], ...]  # values with their text

    def share(self, value: float) -> float:
        """Where a value lies on the axis, from 0 to 1."""
        return (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5


def number_axis(highest: float, low: float = 0) -> Axis:
    """An axis labeled with round numbers that ends at or above the highest value."""
    step = _round_step((highest - low) / 4 or 1)
    first = math.floor(low / step) * step
    labels = []
    for i in count():
        value = first + i * step
        labels.append((value, _short(value)))
        if value >= highest:
            return Axis(first, value, tuple(labels))
    raise AssertionError  # count() never ends


def line_chart(
    title: str, description: str, points: Sequence[Point], x_axis: Axis, y_axis: Axis
) -> Markup:
    """A line with the area below it filled. A few points also get dots."""
    positions = [_position(point, x_axis, y_axis) for point in points]
    path = "M" + " L".join(f"{x:.1f} {y:.1f}" for x, y in positions)
    area = f"{path} L{positions[-1][0]:.1f} {_FLOOR} L{positions[0][0]:.1f} {_FLOOR} Z"
    shapes = [f'<path class="area" d="{area}"/>', f'<path class="line" d="{path}"/>']
    if len(positions) <= _MAX_DOTS:
        shapes += [f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>' for x, y in positions]
    return _chart(title, description, x_axis, y_axis, shapes)


def column_chart(
    title: str,
    description: str,
    columns: Sequence[tuple[float, float, float]],
    x_axis: Axis,
    y_axis: Axis,
) -> Markup:
    """Two columns at each x, the narrower second in front of the first."""
    unit = (WIDTH - _LEFT - _RIGHT) / max(1.0, x_axis.high - x_axis.low)
    shapes = []
    for start, first, second in columns:
        for css_class, value, inset in (("first", first, 0.12), ("second", second, 0.3)):
            x, y = _position((start, value), x_axis, y_axis)
            height = _FLOOR - y
            if height > 0:
                shapes.append(
                    f'<rect class="{css_class}" x="{x + unit * inset:.1f}" y="{y:.1f}" '
                    f'width="{max(0.8, unit * (1 - 2 * inset)):.1f}" height="{height:.1f}" rx="1"/>'
                )
    return _chart(title, description, x_axis, y_axis, shapes)


def spaced_labels(
    values: Sequence[float], text: Callable[[float], str]
) -> tuple[tuple[float, str], ...]:
    """Labels for a few of the values, evenly spaced, always for the first and the last."""
    last, gaps = len(values) - 1, _MAX_LABELS - 1
    if len(values) > _MAX_LABELS:
        values = [values[round(i * last / gaps)] for i in range(_MAX_LABELS)]
    return tuple((value, text(value)) for value in dict.fromkeys(values))


def _chart(
    title: str, description: str, x_axis: Axis, y_axis: Axis, shapes: Sequence[str]
) -> Markup:
    frame: list[str] = []
    for value, label in y_axis.labels:
        _, y = _position((x_axis.low, value), x_axis, y_axis)
        frame.append(
            f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{escape(label)}</text>'
        )
    for number, (value, label) in enumerate(x_axis.labels):
        inner = 0 < number < len(x_axis.labels) - 1
        css_class = ' class="between"' if inner else ""  # hidden on narrow screens
        x, _ = _position((value, y_axis.low), x_axis, y_axis)
        anchor = "start" if x < _LEFT + 20 else "end" if x > WIDTH - _RIGHT - 20 else "middle"
        position = f'x="{x:.1f}" y="{_FLOOR + 20}" text-anchor="{anchor}"'
        frame.append(f"<text{css_class} {position}>{escape(label)}</text>")
    name = escape(f"{title}. {description}")
    return Markup(  # noqa: S704 - numbers and escaped text
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{name}">'
        f"{''.join(frame)}{''.join(shapes)}</svg>"
    )


def _position(point: Point, x_axis: Axis, y_axis: Axis) -> Point:
    x = _LEFT + x_axis.share(point[0]) * (WIDTH - _LEFT - _RIGHT)
    y = _FLOOR - y_axis.share(point[1]) * (HEIGHT - _TOP - _BOTTOM)
    return x, y


def _round_step(least: float) -> float:
    """The next of 1, 2, 5, 10, 20, 50, …"""
    size = 10 ** max(0, math.floor(math.log10(least))) if least >= 1 else 1
    return float(next(step for step in (size, 2 * size, 5 * size, 10 * size) if step >= least))


def _short(value: float) -> str:
    if value >= 1_000_000:
        return f"{value / 1_000_000:g}M"
    return f"{value / 1_000:g}k" if value >= 10_000 else f"{value:,.0f}"
