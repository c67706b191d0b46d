"""How often each network has searched the archive within an hour; what for, nobody keeps."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select

from newsletter.store import key_values
from newsletter.store.address_keys import ADDRESS_KEY, address_keys
from newsletter.store.bulk import upsert
from newsletter.store.schema import searches


def current(connection: Connection, network: str, now: datetime) -> int:
    """How often that network has searched since the hour began; writes nothing."""
    if key_values.get(connection, ADDRESS_KEY) is None:  # it would be made; nobody was counted yet
        return 0
    counted = select(searches.c.times).where(
        searches.c.network == _named(connection, network), searches.c.hour == _hour(now)
    )
    return connection.scalar(counted) or 0


def increment(connection: Connection, network: str, now: datetime) -> int:
    """Count one more; how often it has searched with this one."""
    first = upsert(connection, searches).values(
        network=_named(connection, network), hour=_hour(now), times=1
    )
    once_more = first.on_conflict_do_update(
        index_elements=["network", "hour"], set_={"times": searches.c.times + 1}
    )
    total: int = connection.execute(once_more.returning(searches.c.times)).scalar_one()
    return total


def delete_before(connection: Connection, moment: datetime) -> None:
    """Forget the hours that began before then."""
    connection.execute(delete(searches).where(searches.c.hour < moment))


def _named(connection: Connection, network: str) -> str:
    return address_keys(connection).key(f"network {network}")


def _hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)
