"""Read returned mail and complaints from a mailbox, and store them as events."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from newsletter import bounces
from newsletter.app.desk import Desk
from newsletter.app.feedback import provider_events
from newsletter.bounces import Fate, Notice, mailboxes
from newsletter.bounces.mailboxes import FetchedMail
from newsletter.links import signed_links
from newsletter.links.keyring import keyring
from newsletter.links.signed_links import Purpose
from newsletter.message import slug
from newsletter.model import Event, EventKind
from newsletter.store import Connection, delivery_lookup
from newsletter.store.address_keys import address_keys
from newsletter.store.delivery_lookup import DeliveryRecord
from newsletter.store.subscribers import ids_by_name
from newsletter.subscriber_csv import normalize_address

BATCH_SIZE = 20  # mails whose notices are stored in one transaction
MAX_AGE = timedelta(days=30)  # after this, a notice that names no delivery counts for none
CLOCK_SKEW = timedelta(minutes=10)  # how far the clocks of two servers may differ
MAX_NOTICES = 10  # in one mail; each of ours went to one reader, who may forward it to a few

_MESSAGE_ID = re.compile(r"<?(?P<hash>[0-9A-Za-z]{16})\.(?P<delivery>\d{1,9})@[^>\s]+>?")
_UNSUBSCRIBE_LINK = re.compile(r"/unsubscribe/([A-Za-z0-9_-]{1,80})")
_KINDS = {
    Fate.BOUNCED: EventKind.BOUNCED,
    Fate.BLOCKED: EventKind.SOFT_BOUNCED,
    Fate.DELAYED: EventKind.DEFERRED,
    Fate.COMPLAINED: EventKind.COMPLAINED,
    Fate.LEAVES: EventKind.UNSUBSCRIBED,
}

SignedReader = Callable[[str], tuple[int, int] | None]  # header → subscriber and list, as signed


@dataclass(frozen=True)
class BounceCounts:
    """What was read from a mailbox."""

    mails: int = 0
    fates: Counter[Fate] = field(default_factory=Counter)  # of notices about our readers
    new: int = 0  # notices that were not stored yet
    unidentified: int = 0  # mails with notices that do not identify one of our readers
    unrelated: int = 0  # mails without a notice

    @property
    def duplicates(self) -> int:
        """Notices that were stored before."""
        return sum(self.fates.values()) - self.new

    def __add__(self, other: BounceCounts) -> BounceCounts:
        return BounceCounts(
            self.mails + other.mails,
            self.fates + other.fates,
            self.new + other.new,
            self.unidentified + other.unidentified,
            self.unrelated + other.unrelated,
        )


def read_mailbox(desk: Desk, place: str) -> BounceCounts:
    """Read the mails of a mailbox and store their notices; an IMAP mail is then marked as seen.

    Raises UsageError and FetchError as ``open_mails`` does. What was stored by then stays stored.
    """
    counts = BounceCounts()
    with mailboxes.open_mails(place) as mails:
        while batch := list(islice(mails, BATCH_SIZE)):
            counts += _read_batch(desk, batch)
    return counts


def _read_batch(desk: Desk, mails: list[FetchedMail]) -> BounceCounts:
    fates: Counter[Fate] = Counter()
    events: list[Event] = []
    identified: list[FetchedMail] = []
    unrelated = 0
    signed_reader = _signed_reader(desk)
    with desk.reading() as connection:
        for mail in mails:
            notices = bounces.read(mail.content)
            unrelated += not notices
            if len(notices) > MAX_NOTICES:
                continue
            pairs = [_event(connection, n, signed_reader, desk.clock()) for n in notices]
            for fate, event in filter(None, pairs):
                fates[fate] += 1
                events.append(event)
            if any(pairs):
                identified.append(mail)
    stored = provider_events.store(desk, events)
    for mail in identified:
        mail.mark()
    unidentified = len(mails) - len(identified) - unrelated
    return BounceCounts(len(mails), fates, stored.new, unidentified, unrelated)


def _event(
    connection: Connection, notice: Notice, signed_reader: SignedReader, now: datetime
) -> tuple[Fate, Event] | None:
    """The notice as an event, with what it counts as; None if it identifies no delivery of ours."""
    at, fate = min(notice.at or now, now), notice.fate
    delivery = _proven_delivery(connection, notice, signed_reader, at)
    if delivery is None:
        if fate in (Fate.COMPLAINED, Fate.LEAVES):
            return None
        delivery = _last_delivery(connection, _subscribers(connection, notice), at, now)
        if delivery is None:
            return None
        fate = Fate.BLOCKED if fate is Fate.BOUNCED else fate
    return fate, Event(
        id=notice.key,
        kind=_KINDS[fate],
        delivery=delivery.delivery,
        at=at,
        batch=delivery.batch or 0,
        send=delivery.send_id,
        origin=(slug(delivery.newsletter), str(delivery.issue)),
        details={"reason": notice.reason, "status": notice.status, "by": "mail"},
    )


def _proven_delivery(
    connection: Connection, notice: Notice, signed_reader: SignedReader, at: datetime
) -> DeliveryRecord | None:
    """The delivery, if the notice quotes what only the reader's own mail contains.

    Anybody can write such a notice. So a delivery number counts only together with the signed
    unsubscribe link or the reader's address.
    """
    match = _MESSAGE_ID.fullmatch(notice.message_id)
    delivery = delivery_lookup.find_by_id(connection, int(match["delivery"])) if match else None
    if match and delivery and not delivery.hash.startswith(match["hash"]):
        delivery = None
    reader = signed_reader(notice.list_unsubscribe)
    if delivery and reader == (delivery.subscriber, delivery.list_id):
        return delivery
    if delivery and delivery.email in _addresses(notice):
        return delivery
    if reader is None:
        return None
    return delivery_lookup.find_latest(connection, reader[0], at - MAX_AGE, at + CLOCK_SKEW)


def _last_delivery(
    connection: Connection, subscribers: Iterable[int], at: datetime, now: datetime
) -> DeliveryRecord | None:
    """The last delivery to one of the subscribers, if the notice was written after it.

    The sender of a notice also writes its date, so it must not count for an earlier issue.
    """
    for number in subscribers:
        last = delivery_lookup.find_latest(connection, number, now - MAX_AGE, now + CLOCK_SKEW)
        if last and last == delivery_lookup.find_latest(
            connection, number, at - MAX_AGE, at + CLOCK_SKEW
        ):
            return last
    return None


def _subscribers(connection: Connection, notice: Notice) -> Iterable[int]:
    """The numbers of the subscribers that the notice names."""
    keys = address_keys(connection)
    return ids_by_name(connection, {a: keys.key(a) for a in _addresses(notice)}).values()


def _addresses(notice: Notice) -> list[str]:
    return [address for r in notice.recipients if (address := _normalized(r))]


def _signed_reader(desk: Desk) -> SignedReader:
    """Read a reader's number and list from the signed unsubscribe link in a header."""
    ring = keyring(desk.folder)

    def read(header: str) -> tuple[int, int] | None:
        if not (match := _UNSUBSCRIBE_LINK.search(header)):
            return None
        link = signed_links.read_reader(ring, Purpose.UNSUBSCRIBE, match[1])
        return (link.reader, link.list) if link else None

    return read


def _normalized(address: str) -> str | None:
    try:
        return normalize_address(address)
    except ValueError:
        return None
