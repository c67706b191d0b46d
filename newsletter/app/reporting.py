"""What the provider reports, from its request to the ledger."""

from __future__ import annotations

from collections.abc import Mapping

from newsletter import events
from newsletter.app.desk import Desk


def take(desk: Desk, headers: Mapping[str, str], body: bytes) -> int:
    """Settle what a request of the provider tells; how many readers of whom was nothing known.

    Raises ProviderError for a request that is not the provider's.
    """
    found = desk.provider.events(headers, body)
    with desk.database.begin() as connection:
        return events.settle(connection, found, desk.clock())
