"""Mails that came back, from a mailbox to the ledger: as what providers report."""

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
from newsletter.bounces.mailboxes import Found
from newsletter.links import signed_links
from newsletter.links.keyring import keyring
from newsletter.links.signed_links import Purpose
from newsletter.message import slug
from newsletter.model import Event, EventKind
from newsletter.store import Connection, delivery_lookup
from newsletter.store.address_keys import address_keys
from newsletter.store.delivery_lookup import Mailed
from newsletter.store.subscribers import numbers
from newsletter.subscriber_csv import normalised

AT_ONCE = 20  # mails whose notices are stored in one transaction
LATE = timedelta(days=30)  # so long after a send a mail may come back that names none
CLOCKS = timedelta(minutes=10)  # more than those of two servers differ
MOST = 10  # readers that one mail may name: each of ours went to one, whom others may stand behind

_MESSAGE_ID = re.compile(r"<?(?P<hash>[0-9A-Za-z]{16})\.(?P<delivery>\d{1,9})@[^>\s]+>?")
_LEAVING = re.compile(r"/unsubscribe/([A-Za-z0-9_-]{1,80})")
_KINDS = {
    Fate.BOUNCED: EventKind.BOUNCED,
    Fate.BLOCKED: EventKind.SOFT_BOUNCED,
    Fate.DELAYED: EventKind.DEFERRED,
    Fate.COMPLAINED: EventKind.COMPLAINED,
    Fate.LEAVES: EventKind.UNSUBSCRIBED,
}


@dataclass(frozen=True)
class Bounces:
    """What was in the mails. ``known``: notices that were stored before; ``strange``: mails that do
    not show whom of our readers they are about; ``others``: mails that are no such notice.
    """

    mails: int = 0
    fates: Counter[Fate] = field(default_factory=Counter)
    new: int = 0
    strange: int = 0
    others: int = 0

    @property
    def known(self) -> int:
        """Notices that were stored before."""
        return sum(self.fates.values()) - self.new


def take(desk: Desk, place: str) -> Bounces:
    """Read the mails there, and store what they say; where it can be, what is stored is marked as
    seen. Raises UsageError and FetchError as ``mailboxes.opened`` does; what was stored stays.
    """
    total = Bounces()
    with mailboxes.opened(place) as found:
        while some := list(islice(found, AT_ONCE)):
            total = _add(total, _take(desk, some))
    return total


def _take(desk: Desk, mails: list[Found]) -> Bounces:
    fates: Counter[Fate] = Counter()
    told: list[Event] = []
    marks, strange, others = [], 0, 0
    signed = _signed_reader(desk)
    with desk.reading() as connection:
        for mail in mails:
            notices = bounces.read(mail.content)
            about = notices if len(notices) <= MOST else []
            ours = [e for n in about if (e := _event(connection, n, signed, desk.clock()))]
            fates.update(fate for fate, _ in ours)
            told += [event for _, event in ours]
            others += not notices
            strange += bool(notices) and not ours
            if ours:
                marks.append(mail.mark)
    taken = provider_events.store(desk, told)
    for mark in marks:
        mark()
    return Bounces(len(mails), fates, taken.new, strange, others)


def _add(one: Bounces, other: Bounces) -> Bounces:
    return Bounces(
        one.mails + other.mails,
        one.fates + other.fates,
        one.new + other.new,
        one.strange + other.strange,
        one.others + other.others,
    )


def _event(
    connection: Connection,
    notice: Notice,
    signed: Callable[[str], tuple[int, int] | None],
    now: datetime,
) -> tuple[Fate, Event] | None:
    """The notice as an event, and what it is taken for; None where it does not show whom of those
    whom we have mailed it is about.
    """
    at, fate = min(notice.at or now, now), notice.fate
    found = _which(connection, notice, signed, at)
    if found is None:
        if fate in (Fate.COMPLAINED, Fate.LEAVES):
            return None
        found = _last_mailed(connection, _known(connection, _addresses(notice)), at, now)
        if found is None:
            return None
        fate = Fate.BLOCKED if fate is Fate.BOUNCED else fate
    return fate, Event(
        id=notice.key,
        kind=_KINDS[fate],
        delivery=found.delivery,
        at=at,
        batch=found.batch or 0,
        send=found.send_id,
        origin=(slug(found.newsletter), str(found.issue)),
        details={"reason": notice.words, "status": notice.status, "by": "mail"},
    )


def _which(
    connection: Connection,
    notice: Notice,
    signed: Callable[[str], tuple[int, int] | None],
    at: datetime,
) -> Mailed | None:
    """The delivery, where the notice has what the reader's own mail alone has.

    Anybody can write such a mail. So a number is believed only together with the signed link to
    leave, or with the address.
    """
    match = _MESSAGE_ID.fullmatch(notice.message_id)
    named = delivery_lookup.by_number(connection, int(match["delivery"])) if match else None
    if match and named and not named.hash.startswith(match["hash"]):
        named = None
    person = signed(notice.list_unsubscribe)
    if named and (person == (named.subscriber, named.list_id) or named.email in _addresses(notice)):
        return named
    return delivery_lookup.latest(connection, person[0], at - LATE, at + CLOCKS) if person else None


def _last_mailed(
    connection: Connection, numbers: Iterable[int], at: datetime, now: datetime
) -> Mailed | None:
    """What one of them was mailed last, if the notice came after that. Whoever writes a notice
    writes its date as well: so it is none of an earlier issue.
    """
    for number in numbers:
        newest = delivery_lookup.latest(connection, number, now - LATE, now + CLOCKS)
        if newest and newest == delivery_lookup.latest(connection, number, at - LATE, at + CLOCKS):
            return newest
    return None


def _known(connection: Connection, addresses: Iterable[str]) -> Iterable[int]:
    """The numbers of those among them who are here."""
    keys = address_keys(connection)
    return numbers(connection, {each: keys.key(each) for each in addresses}).values()


def _addresses(notice: Notice) -> list[str]:
    return [address for each in notice.recipients if (address := _normal(each))]


def _signed_reader(desk: Desk) -> Callable[[str], tuple[int, int] | None]:
    """What says of a header whose link to leave stands in it: the reader's number, the list's."""
    ring = keyring(desk.folder)

    def whose(header: str) -> tuple[int, int] | None:
        match = _LEAVING.search(header)
        of = signed_links.read_reader(ring, Purpose.UNSUBSCRIBE, match[1]) if match else None
        return (of.reader, of.list) if of else None

    return whose


def _normal(address: str) -> str | None:
    try:
        return normalised(address)
    except ValueError:
        return None
