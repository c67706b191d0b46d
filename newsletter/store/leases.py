"""Leases: a process holds a row until a moment."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Column, ColumnElement, or_


def is_free(until: Column[datetime], now: datetime, longest: timedelta) -> ColumnElement[bool]:
    """The condition that no process holds the row. A lease that ends more than ``longest`` from now
    does not count: a clock that ran ahead set it.
    """
    return or_(until.is_(None), until <= now, until > now + longest)
