"""How often each network searches the archive in an hour. The search terms are not stored."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select

from newsletter.store import key_values
from newsletter.store.address_keys import ADDRESS_KEY, address_keys
from newsletter.store.bulk import upsert
from newsletter.store.schema import searches


def current(connection: Connection, network: str, now: datetime) -> int:
    """How many searches the network made since the hour began. Writes nothing."""
    if key_values.get(connection, ADDRESS_KEY) is None:  # no search was counted yet
        return 0
    times = select(searches.c.times).where(
        searches.c.network == _network_key(connection, network), searches.c.hour == _hour(now)
    )
    return connection.scalar(times) or 0


def increment(connection: Connection, network: str, now: datetime) -> int:
    """Count a search; returns how many the network made since the hour began."""
    first = upsert(connection, searches).values(
        network=_network_key(connection, network), hour=_hour(now), times=1
    )
    statement = first.on_conflict_do_update(
        index_elements=["network", "hour"], set_={"times": searches.c.times + 1}
    )
    total: int = connection.execute(statement.returning(searches.c.times)).scalar_one()
    return total


def delete_before(connection: Connection, moment: datetime) -> None:
    """Delete the counts of hours that began before ``moment``."""
    connection.execute(delete(searches).where(searches.c.hour < moment))


def _network_key(connection: Connection, network: str) -> str:
    return address_keys(connection).key(f"network {network}")


def _hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)
