"""What the provider reports: kept as it came, then read.

A request is committed before it is read, so whatever happens in between, the next request or look
reads what is left. Each is read in one transaction with all that follows from it.
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

IN_HAND = timedelta(seconds=30)  # so long a request that came may be read by whoever has taken it

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Taken:
    """``settled``: readers of whom was nothing known, and who have the mail; ``new``: events that
    were not known yet.
    """

    settled: int = 0
    new: int = 0

    def __add__(self, other: Taken) -> Taken:
        return Taken(self.settled + other.settled, self.new + other.new)


def names(desk: Desk) -> tuple[str, ...]:
    """The last parts of the addresses for events: of all built-in providers, and of its own."""
    chosen = desk.config.provider.type
    own = (providers.short_name(chosen),) if providers.reports(chosen) else ()
    return tuple(dict.fromkeys((*providers.reporting(), *own)))


def take(desk: Desk, name: str, headers: Mapping[str, str], body: bytes) -> Taken:
    """Keep a request of the provider's of that name, and read it, with what was left of earlier.

    Raises ProviderError for a request that is not the provider's, DatabaseError where it is not
    kept: the provider is to repeat it.
    """
    provider, type_ = desk.provider, desk.config.provider.type
    if name != providers.short_name(type_) or not isinstance(provider, Reports):
        raise ProviderError(
            f'Events of {name} have come, but [provider] has type = "{type_}". '
            f"Stop the webhook that posts them."
        )
    text = providers.verified(provider, type_, headers, body)
    with suppress(ConfigError):  # of a broken class: the request is kept until that is mended
        providers.read(type_, text, desk.folder)  # what holds no events is refused
    now = desk.clock()
    with desk.writing() as connection:
        number = event_inbox.put(connection, type_, text, now)
    try:
        # Those that came just before are in other hands.
        return _read(desk, number) + read_waiting(desk, now - IN_HAND)
    except DatabaseError as error:
        log.warning("What was reported is kept, and read later: %s", error)
        return Taken()


def read_waiting(desk: Desk, before: datetime | None = None) -> Taken:
    """Read all that was kept, before then, and not read yet. Raises DatabaseError."""
    numbers = desk.read(event_inbox.waiting, before)
    taken = Taken()
    for number in numbers:
        taken += _read(desk, number)
    return taken


def store(desk: Desk, reported: Sequence[Event]) -> Taken:
    """Take events in that come otherwise than by a provider's request. Raises DatabaseError."""
    if not reported:
        return Taken()
    now = desk.clock()
    with desk.writing() as connection:
        settled = events.settle_doubt(connection, reported, now)
    with desk.writing() as connection:
        new = events.store_events(connection, reported, _reading(desk))
    return Taken(settled, new)


def _read(desk: Desk, number: int) -> Taken:
    try:
        report = desk.read(event_inbox.take, number)
        if report is None:
            return Taken()
        reported = providers.read(report.provider, report.body, desk.folder)
        # Doubt is settled by itself: it takes the rows of a send in another order than the rest.
        with desk.writing() as connection:
            settled = events.settle_doubt(connection, reported, desk.clock())
        with desk.writing() as connection:
            if event_inbox.take(connection, number) is None:  # another process was quicker
                return Taken(settled)
            new = events.store_events(connection, reported, _reading(desk))
            event_inbox.forget(connection, number)
    except DatabaseError:
        raise
    except Exception as error:
        # Nobody repeats it any more, so it stays; and others must still have their turn.
        if not isinstance(error, NewsletterError):
            log.exception("A report could not be read")
        with desk.writing() as connection:
            reason = f"{type(error).__name__}: {error}"
            mendable = isinstance(error, ConfigError)
            event_inbox.failed(connection, number, reason, mendable=mendable)
        return Taken()
    return Taken(settled, new)


def _reading(desk: Desk) -> EventPolicy:
    return EventPolicy(desk.clock(), desk.config.privacy.per_reader)


def trouble(desk: Desk) -> str | None:
    """What cannot be read, and waits for a newer program; None where all is well."""
    stuck = desk.read(event_inbox.stuck)
    if not stuck:
        return None
    at, why = stuck[0]
    return (
        f"{len(stuck)} requests of the provider could not be read (the first of {at:%Y-%m-%d}: "
        f"{why}). They are kept; report this."
    )
