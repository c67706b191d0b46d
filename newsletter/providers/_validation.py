"""Checks of what a class from outside returns. Each returns the first fault in words, or None."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from newsletter.model import Event, EventKind
from newsletter.providers._protocols import Parallel, Recalls


def invalid_events(events: object) -> str | None:
    """The first fault of what a class's ``read`` returned."""
    if not isinstance(events, list):
        return f"it returned {events!r:.100} instead of a list"
    for event in events:
        if not isinstance(event, Event):
            return f"it returned {event!r:.100} instead of an Event"
        if not isinstance(event.kind, EventKind):
            return f"the kind of an event is {event.kind!r}, not an EventKind"
        if not isinstance(event.at, datetime) or event.at.utcoffset() is None:
            return f"an event has the time {event.at!r}, which has no time zone"
        numbers = (event.delivery, event.batch, event.send)
        if not all(isinstance(n, int) and 0 <= n < 1 << 31 for n in numbers):
            return f"an event has the numbers {numbers}; take them from message.read_ids"
    return None


def invalid_provider(provider: Any) -> str | None:
    """The first fault that keeps an object from being a provider."""
    size = getattr(provider, "batch_size", None)
    if not _is_count(size):
        return f"its batch_size is {size!r}, not a whole number of 1 or more"
    if isinstance(provider, Parallel):
        if not _is_count(provider.workers):
            return f"its workers is {provider.workers!r}, not a whole number of 1 or more"
        if provider.processes is not None and not _is_count(provider.processes):
            return (
                f"its processes is {provider.processes!r}, not None or a whole number of 1 or more"
            )
    if isinstance(provider, Recalls):
        if not isinstance(provider.recall_margin, timedelta):
            return f"its recall_margin is {provider.recall_margin!r}, not a timedelta"
        if not _is_count(provider.most_recalls):
            return f"its most_recalls is {provider.most_recalls!r}, not a whole number of 1 or more"
    return None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
