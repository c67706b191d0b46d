"""Receive what the provider reports: store each request as it came, then read its events.

The request is committed before it is read. If reading is interrupted, the next request or tick
reads it. A request is read in one transaction together with all its effects.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from newsletter import events, providers
from newsletter.app.desk import Desk
from newsletter.errors import ConfigError, DatabaseError, NewsletterError, ProviderError
from newsletter.events import EventPolicy
from newsletter.model import Event
from newsletter.providers import Reports
from newsletter.store import event_inbox

READ_TIME = timedelta(seconds=30)  # how long a request is left to the process that received it

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class EventCounts:
    """What reading events changed."""

    settled: int = 0  # readers in doubt who turned out to have the mail
    new: int = 0  # events that were not stored yet

    def __add__(self, other: EventCounts) -> EventCounts:
        return EventCounts(self.settled + other.settled, self.new + other.new)


def endpoints(desk: Desk) -> tuple[str, ...]:
    """The names NAME in ``/events/NAME``: the built-in providers, and the configured one."""
    type_ = desk.config.provider.type
    configured = (providers.short_name(type_),) if providers.reports(type_) else ()
    return tuple(dict.fromkeys((*providers.reporting_types(), *configured)))


def receive(desk: Desk, name: str, headers: Mapping[str, str], body: bytes) -> EventCounts:
    """Store a request to ``/events/NAME`` and read it, along with earlier ones still unread.

    Raises ProviderError for a request that did not come from the provider, DatabaseError if it
    could not be stored. The provider repeats such a request.
    """
    provider, type_ = desk.provider, desk.config.provider.type
    if name != providers.short_name(type_) or not isinstance(provider, Reports):
        raise ProviderError(
            f'Received events from {name}, but [provider] has type = "{type_}". '
            f"Turn off the webhook that posts them."
        )
    text = providers.verified_body(provider, type_, headers, body)
    with suppress(ConfigError):  # a broken provider class: store the request until it is fixed
        providers.read_events(type_, text, desk.folder)  # refuses a request without events
    now = desk.clock()
    with desk.writing() as connection:
        number = event_inbox.add(connection, type_, text, now)
    try:
        # The processes that received the most recent requests are still reading them.
        return _read(desk, number) + read_waiting(desk, now - READ_TIME)
    except DatabaseError as error:
        log.warning("The provider's events are stored and will be read later: %s", error)
        return EventCounts()


def read_waiting(desk: Desk, received_before: datetime | None = None) -> EventCounts:
    """Read the requests that are stored and still unread. Raises DatabaseError."""
    counts = EventCounts()
    for number in desk.read(event_inbox.unread, received_before):
        counts += _read(desk, number)
    return counts


def store(desk: Desk, new_events: Sequence[Event]) -> EventCounts:
    """Store events that did not come in a provider's request. Raises DatabaseError."""
    if not new_events:
        return EventCounts()
    with desk.writing() as connection:
        settled = events.settle_doubt(connection, new_events, desk.clock())
    with desk.writing() as connection:
        new = events.store_events(connection, new_events, _policy(desk))
    return EventCounts(settled, new)


def _read(desk: Desk, number: int) -> EventCounts:
    try:
        request = desk.read(event_inbox.lock, number)
        if request is None:
            return EventCounts()
        new_events = providers.read_events(request.provider, request.body, desk.folder)
        # A separate transaction, because it locks the rows of a send in another order.
        with desk.writing() as connection:
            settled = events.settle_doubt(connection, new_events, desk.clock())
        with desk.writing() as connection:
            if event_inbox.lock(connection, number) is None:  # another process read it meanwhile
                return EventCounts(settled)
            new = events.store_events(connection, new_events, _policy(desk))
            event_inbox.remove(connection, number)
    except DatabaseError:
        raise
    except Exception as error:
        # The provider will not repeat the request, so it stays. The others still get their turn.
        if not isinstance(error, NewsletterError):
            log.exception("A request from the provider could not be read")
        with desk.writing() as connection:
            reason = f"{type(error).__name__}: {error}"
            fixable = isinstance(error, ConfigError)
            event_inbox.mark_failed(connection, number, reason, fixable=fixable)
        return EventCounts()
    return EventCounts(settled, new)


def _policy(desk: Desk) -> EventPolicy:
    return EventPolicy(desk.clock(), desk.config.privacy.per_reader)


def unreadable_requests(desk: Desk) -> str | None:
    """A sentence about requests that repeatedly could not be read, if there are any."""
    stuck = desk.read(event_inbox.unreadable)
    if not stuck:
        return None
    received_at, reason = stuck[0]
    return (
        f"{len(stuck)} requests from the provider could not be read (the first on "
        f"{received_at:%Y-%m-%d}: {reason}). They are stored; report this as a bug."
    )
