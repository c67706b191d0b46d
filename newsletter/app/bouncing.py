"""Mails that came back, from a mailbox to the ledger: as what providers report."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from newsletter import bounces, links
from newsletter.app import reporting
from newsletter.app.desk import Desk
from newsletter.bounces import Fate, Notice, mailboxes
from newsletter.bounces.mailboxes import Found
from newsletter.keyring import keyring
from newsletter.links import Purpose
from newsletter.model import Consequence, Event, Reported
from newsletter.providers import slug
from newsletter.store import Connection, leaving, mailed
from newsletter.store.mailed import Mailed
from newsletter.store.subscribers import address_keys
from newsletter.subscriber_csv import normalised

AT_ONCE = 20  # mails whose notices are stored in one transaction
LATE = timedelta(days=30)  # so long after a send a mail may come back that names none
CLOCKS = timedelta(minutes=10)  # more than those of two servers differ

_MESSAGE_ID = re.compile(r"<?(?P<hash>[0-9A-Za-z]{1,16})\.(?P<delivery>\d{1,9})@[^>\s]+>?")
_LEAVING = re.compile(r"/unsubscribe/([A-Za-z0-9_-]{1,80})")
_EVENTS = {
    Fate.BOUNCED: ("bounce", Reported.BOUNCED, Consequence.BOUNCED),
    Fate.BLOCKED: ("bounce", Reported.BLOCKED, Consequence.SOFT),
    Fate.DELAYED: ("deferred", Reported.DEFERRED, Consequence.NONE),
    Fate.COMPLAINED: ("spamreport", None, Consequence.COMPLAINED),
    Fate.LEAVES: ("unsubscribe", None, Consequence.LEAVES),
}


@dataclass(frozen=True)
class Bounces:
    """What was in the mails. ``known``: notices that were stored before; ``strange``: about nobody
    whom this newsletter has mailed; ``others``: mails that are no such notice.
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
    with desk.database.read() as connection:
        for mail in mails:
            notices = bounces.read(mail.content)
            events = [(n, _event(connection, n, signed, desk.clock())) for n in notices]
            ours = [event for _, event in events if event]
            fates.update(notice.fate for notice, event in events if event)
            told += ours
            others += not notices
            strange += bool(notices) and not ours
            if ours:
                marks.append(mail.mark)
    taken = reporting.store(desk, told)
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
) -> Event | None:
    """The notice as an event; None where it is about nobody whom we have mailed."""
    at = min(notice.at or now, now)
    kind, reported, consequence = _EVENTS[notice.fate]
    said = {"reason": notice.words, "status": notice.status, "by": "mail"}
    found, email = _which(connection, notice, signed, at)
    if found:
        return Event(
            notice.key, kind, found.delivery, at, {}, found.batch or 0, found.send_id,
            (slug(found.newsletter), found.issue),
            reported=reported, consequence=consequence, said=said,
        )  # fmt: skip
    if email and consequence >= Consequence.LEAVES:
        return Event(notice.key, kind, 0, at, {}, email=email, consequence=consequence, said=said)
    return None


def _which(
    connection: Connection,
    notice: Notice,
    signed: Callable[[str], tuple[int, int] | None],
    at: datetime,
) -> tuple[Mailed | None, str | None]:
    """The delivery; or where none is named an address of somebody here.

    Anybody can write such a mail. So a number is believed only together with what the reader's
    own mail alone has: the signed link to leave, or the address.
    """
    addresses = [address for each in notice.recipients if (address := _normal(each))]
    match = _MESSAGE_ID.fullmatch(notice.message_id)
    named = mailed.by_number(connection, int(match["delivery"])) if match else None
    if match and named and not named.hash.startswith(match["hash"]):
        named = None
    person = signed(notice.list_unsubscribe)
    if named and (person == (named.subscriber, named.list_id) or named.email in addresses):
        return named, None
    keys = address_keys(connection)
    known = leaving.find(connection, {address: keys.key(address) for address in addresses})
    numbers = [person[0]] if person else list(known.values())
    for number in numbers:
        if found := mailed.latest(connection, number, at - LATE, at + CLOCKS):
            return found, None
    return None, next(iter(known), None)


def _signed_reader(desk: Desk) -> Callable[[str], tuple[int, int] | None]:
    """What says of a header whose link to leave stands in it: the reader's number, the list's."""
    ring = keyring(desk.folder)

    def whose(header: str) -> tuple[int, int] | None:
        match = _LEAVING.search(header)
        of = links.read_reader(ring, Purpose.UNSUBSCRIBE, match[1]) if match else None
        return (of.reader, of.list) if of else None

    return whose


def _normal(address: str) -> str | None:
    try:
        return normalised(address)
    except ValueError:
        return None
