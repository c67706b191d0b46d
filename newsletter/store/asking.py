"""What questions of several subjects have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import Column, ColumnElement, or_

T = TypeVar("T", int, str)

_AT_ONCE = 500  # values in one question


def parts(values: Iterable[T]) -> Iterator[list[T]]:
    """The values in order, as many at once as a question may hold."""
    listed = sorted(values)
    for first in range(0, len(listed), _AT_ONCE):
        yield listed[first : first + _AT_ONCE]


def free(until: Column[datetime], now: datetime, longest: timedelta) -> ColumnElement[bool]:
    """In nobody's hands ``now``. Whatever ends later than in ``longest`` was given by a clock that
    ran ahead.
    """
    return or_(until.is_(None), until <= now, until > now + longest)
