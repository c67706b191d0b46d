"""Leases: a row in the hands of a process until a moment."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Column, ColumnElement, or_


def is_free(until: Column[datetime], now: datetime, longest: timedelta) -> ColumnElement[bool]:
    """In nobody's hands ``now``. Whatever ends later than in ``longest`` was given by a clock that
    ran ahead.
    """
    return or_(until.is_(None), until <= now, until > now + longest)
