"""What readers do with the links in their mails: confirm, unsubscribe, choose, be erased.

A link's key names the reader, signed. Reading a key changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from newsletter.app.desk import Desk
from newsletter.app.identity import database_location
from newsletter.errors import ConfigError
from newsletter.links import signed_links
from newsletter.links.keyring import keyring
from newsletter.links.signed_links import Confirming, Purpose, ReaderOf
from newsletter.store import Connection, approvals, subscription_status
from newsletter.store.subscribers import People, rename
from newsletter.store.subscription_status import ACTIVE, UNSUBSCRIBED, Standing
from newsletter.store.suppression import ERASED
from newsletter.subscriber_csv import clean_name

log = logging.getLogger(__name__)

NOBODY = 0  # of the keys in a test


class KeyState(StrEnum):
    """What a key finds, or has done."""

    OPEN = "open"
    DONE = "done"
    BACK = "back"  # subscribed again
    USED = "used"
    EXPIRED = "expired"
    UNKNOWN = "unknown"  # it was not made here, or was changed on the way
    TEST = "test"  # it stood in a test, and is of nobody
    GONE = "gone"  # the person was erased
    BARRED = "barred"  # no mail goes to the address


@dataclass(frozen=True)
class KeyResult:
    """What a key finds; ``reader`` is whose it is, where there is one."""

    state: KeyState
    reader: ReaderOf | None = None


@dataclass(frozen=True)
class Choice:
    """One newsletter, and whether the reader gets it."""

    newsletter: str
    chosen: bool


@dataclass(frozen=True)
class Preferences:
    """A reader's name and newsletters. ``barred``: no mail goes to the address."""

    name: str
    barred: bool
    choices: tuple[Choice, ...]


def read_confirmation_key(desk: Desk, key: str) -> KeyResult:
    """What a link to confirm can do now."""
    says = signed_links.read_confirmation(keyring(desk.folder), desk.name, key)
    if says is None:
        return KeyResult(KeyState.UNKNOWN)
    with desk.reading() as connection:
        return _confirmable(desk, connection, says)


def confirm(desk: Desk, key: str) -> KeyResult:
    """Subscribe who confirms by this link, if it still may; also one who had left."""
    says = signed_links.read_confirmation(keyring(desk.folder), desk.name, key)
    if says is None:
        return KeyResult(KeyState.UNKNOWN)
    with desk.writing() as connection:
        found = _confirmable(desk, connection, says)
        if found.state is not KeyState.OPEN:
            return found
        if not approvals.use_link(connection, says.nonce, desk.clock()):
            return KeyResult(KeyState.USED)
        subscription_status.change(connection, says.reader, says.list, ACTIVE, desk.clock())
    return KeyResult(KeyState.DONE, ReaderOf(says.reader, says.list))


def _confirmable(desk: Desk, connection: Connection, says: Confirming) -> KeyResult:
    person = subscription_status.of_number(connection, says.reader, says.list)
    if approvals.is_used(connection, says.nonce):
        return KeyResult(KeyState.USED)
    if says.expires <= desk.clock() or person is None or person.status is None:
        return KeyResult(KeyState.EXPIRED)
    if person.suppressed is not None:
        return KeyResult(KeyState.BARRED)
    return KeyResult(KeyState.OPEN, ReaderOf(says.reader, says.list))


def read_unsubscribe_key(desk: Desk, key: str) -> KeyResult:
    """What a key to unsubscribe finds: OPEN while they get the newsletter, DONE when not."""
    of = _read(desk, Purpose.UNSUBSCRIBE, key)
    if isinstance(of, KeyState):
        return KeyResult(of)
    person = desk.read(subscription_status.of_number, of.reader, of.list)
    if person is None or person.email is None:
        return KeyResult(KeyState.GONE)
    left = person.status in (None, UNSUBSCRIBED)
    return KeyResult(KeyState.DONE if left else KeyState.OPEN, of)


def unsubscribe(desk: Desk, key: str) -> KeyResult:
    """Unsubscribe; it may be repeated."""
    return _changed(desk, key, UNSUBSCRIBED, KeyState.DONE)


def resubscribe(desk: Desk, key: str) -> KeyResult:
    """Subscribe again who has left; it lifts no suppression."""
    return _changed(desk, key, ACTIVE, KeyState.BACK)


def _changed(desk: Desk, key: str, status: str, then: KeyState) -> KeyResult:
    of = _read(desk, Purpose.UNSUBSCRIBE, key)
    if isinstance(of, KeyState):
        return KeyResult(of)
    with desk.writing() as connection:
        person = subscription_status.of_number(connection, of.reader, of.list)
        if person is None or person.email is None:
            return KeyResult(KeyState.GONE)
        if status == ACTIVE and person.suppressed is not None:
            return KeyResult(KeyState.BARRED)
        if status == ACTIVE and person.status is None:
            return KeyResult(KeyState.GONE)
        subscription_status.change(connection, of.reader, of.list, status, desk.clock())
    return KeyResult(then, of)


def preferences_key(desk: Desk, of: ReaderOf) -> str:
    """The reader's own way to their preferences."""
    return signed_links.reader_key(keyring(desk.folder), Purpose.PREFERENCES, of)


def preferences(desk: Desk, others: Sequence[Desk], key: str) -> Preferences | KeyState:
    """What the reader has chosen; why there is nothing to choose. ``others`` are the newsletters
    that are served beside this one.
    """
    person = _person(desk, key)
    if isinstance(person, KeyState):
        return person
    choices = []
    for each in _newsletters(desk, others):
        found = each.read(
            subscription_status.of_address, person.email or "", each.config.newsletter.list
        )
        choices.append(Choice(each.name, found is not None and found.status == ACTIVE))
    return Preferences(person.name, person.suppressed is not None, tuple(choices))


def choose(
    desk: Desk, others: Sequence[Desk], key: str, name: str, chosen: Sequence[str]
) -> KeyState:
    """Keep the name, and make the reader active on the lists of the chosen newsletters alone.

    Whose address is never mailed was offered none, and stays where they are. Raises ValueError
    for what is no name.
    """
    name, person = clean_name(name), _person(desk, key)
    if isinstance(person, KeyState):
        return person
    email = person.email or ""
    for each in _newsletters(desk, others):
        list_ = each.config.newsletter.list
        with each.writing() as connection:
            people = People(connection, list_)
            found = subscription_status.of_address(connection, email, list_)
            if found:
                rename(connection, found.reader, name)
            if person.suppressed is not None:
                continue
            wished, has = each.name in chosen, found is not None and found.status == ACTIVE
            if wished and not has and people.suppressed(email) is None:
                people.add(email, name, ACTIVE, each.clock(), revive=True)
            elif has and not wished:
                people.remove(email, each.clock())
    return KeyState.DONE


def erase(desk: Desk, others: Sequence[Desk], key: str) -> KeyState:
    """Forget the reader for good, in every database of the newsletters that are served here."""
    person = _person(desk, key)
    if isinstance(person, KeyState):
        return person
    for each in {database_location(each): each for each in (*others, desk)}.values():
        with each.writing() as connection:
            People(connection, each.config.newsletter.list).erase(person.email or "", each.clock())
    log.info("A reader was erased at their own wish")
    return KeyState.DONE


def require_own_secrets(desks: Sequence[Desk]) -> None:
    """Raises ConfigError where a key of one database would open another, in which its number is
    somebody else's.
    """
    seen: dict[bytes, Desk] = {}
    for desk in desks:
        for key in keyring(desk.folder).keys.values():
            other = seen.setdefault(key, desk)
            if database_location(other) != database_location(desk):
                raise ConfigError(
                    f"{other.folder.resolve()} and {desk.folder.resolve()} sign readers' links by "
                    f"one secret, but have databases of their own: a link of one would open the "
                    f"other. Leave NEWSLETTER_SECRET out, so that each has its own secret.key, or "
                    f"let them share a database."
                )


def _person(desk: Desk, key: str) -> Standing | KeyState:
    of = _read(desk, Purpose.PREFERENCES, key)
    if isinstance(of, KeyState):
        return of
    person = desk.read(subscription_status.of_number, of.reader, of.list)
    if person is None or person.email is None or person.suppressed == ERASED:
        return KeyState.GONE
    return person


def _read(desk: Desk, purpose: Purpose, key: str) -> ReaderOf | KeyState:
    of = signed_links.read_reader(keyring(desk.folder), purpose, key)
    if of is None:
        return KeyState.UNKNOWN
    return KeyState.TEST if of.reader == NOBODY else of


def _newsletters(desk: Desk, others: Sequence[Desk]) -> list[Desk]:
    """Each list once: this newsletter first, then the others in their order."""
    once: dict[tuple[str, str], Desk] = {}
    for each in (desk, *others):
        once.setdefault((database_location(each), each.config.newsletter.list), each)
    return list(once.values())
