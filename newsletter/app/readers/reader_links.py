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
from newsletter.links.signed_links import ConfirmationClaim, Purpose, ReaderClaim
from newsletter.store import Connection, approvals, subscription_status
from newsletter.store.subscribers import Subscribers, rename
from newsletter.store.subscription_status import ACTIVE, UNSUBSCRIBED, Subscription
from newsletter.store.suppression import ERASED
from newsletter.subscriber_csv import clean_name

log = logging.getLogger(__name__)

NOBODY = 0  # the reader of the keys in a test mail


class KeyState(StrEnum):
    """What a key can do, or has done."""

    OPEN = "open"  # it can be used
    DONE = "done"
    RESUBSCRIBED = "back"
    USED = "used"  # it works only once
    EXPIRED = "expired"
    UNKNOWN = "unknown"  # not made here, or changed on the way
    TEST = "test"  # from a test mail; it belongs to nobody
    ERASED = "gone"  # the reader was erased
    SUPPRESSED = "barred"  # the address is never mailed


@dataclass(frozen=True)
class KeyResult:
    """The state of a key."""

    state: KeyState
    reader: ReaderClaim | None = None  # whose key it is


@dataclass(frozen=True)
class NewsletterChoice:
    """One newsletter, and whether the reader gets it."""

    newsletter: str
    subscribed: bool


@dataclass(frozen=True)
class Preferences:
    """A reader's name and newsletters."""

    name: str
    suppressed: bool  # the address is never mailed
    choices: tuple[NewsletterChoice, ...]


def read_confirmation_key(desk: Desk, key: str) -> KeyResult:
    """The state of the key of a confirmation link."""
    confirmation = signed_links.read_confirmation(keyring(desk.folder), desk.name, key)
    if confirmation is None:
        return KeyResult(KeyState.UNKNOWN)
    with desk.reading() as connection:
        return _confirmation_state(desk, connection, confirmation)


def confirm(desk: Desk, key: str) -> KeyResult:
    """Confirm a sign-up if the key still works, even if the reader has unsubscribed before."""
    confirmation = signed_links.read_confirmation(keyring(desk.folder), desk.name, key)
    if confirmation is None:
        return KeyResult(KeyState.UNKNOWN)
    with desk.writing() as connection:
        result = _confirmation_state(desk, connection, confirmation)
        if result.state is not KeyState.OPEN:
            return result
        if not approvals.use_link(connection, confirmation.nonce, desk.clock()):
            return KeyResult(KeyState.USED)
        subscription_status.change(
            connection, confirmation.reader, confirmation.list, ACTIVE, desk.clock()
        )
    return KeyResult(KeyState.DONE, ReaderClaim(confirmation.reader, confirmation.list))


def _confirmation_state(
    desk: Desk, connection: Connection, confirmation: ConfirmationClaim
) -> KeyResult:
    person = subscription_status.find_by_id(connection, confirmation.reader, confirmation.list)
    if approvals.is_link_used(connection, confirmation.nonce):
        return KeyResult(KeyState.USED)
    if confirmation.expires <= desk.clock() or person is None or person.status is None:
        return KeyResult(KeyState.EXPIRED)
    if person.suppressed is not None:
        return KeyResult(KeyState.SUPPRESSED)
    return KeyResult(KeyState.OPEN, ReaderClaim(confirmation.reader, confirmation.list))


def read_unsubscribe_key(desk: Desk, key: str) -> KeyResult:
    """The state of an unsubscribe key: OPEN while the reader is subscribed, otherwise DONE."""
    reader = _read(desk, Purpose.UNSUBSCRIBE, key)
    if isinstance(reader, KeyState):
        return KeyResult(reader)
    person = desk.read(subscription_status.find_by_id, reader.reader, reader.list)
    if person is None or person.email is None:
        return KeyResult(KeyState.ERASED)
    unsubscribed = person.status in (None, UNSUBSCRIBED)
    return KeyResult(KeyState.DONE if unsubscribed else KeyState.OPEN, reader)


def unsubscribe(desk: Desk, key: str) -> KeyResult:
    """Unsubscribe the reader. Repeating it changes nothing."""
    return _set_status(desk, key, UNSUBSCRIBED, KeyState.DONE)


def resubscribe(desk: Desk, key: str) -> KeyResult:
    """Subscribe the reader again, unless the address is suppressed."""
    return _set_status(desk, key, ACTIVE, KeyState.RESUBSCRIBED)


def _set_status(desk: Desk, key: str, status: str, result: KeyState) -> KeyResult:
    reader = _read(desk, Purpose.UNSUBSCRIBE, key)
    if isinstance(reader, KeyState):
        return KeyResult(reader)
    with desk.writing() as connection:
        person = subscription_status.find_by_id(connection, reader.reader, reader.list)
        if person is None or person.email is None:
            return KeyResult(KeyState.ERASED)
        if status == ACTIVE and person.suppressed is not None:
            return KeyResult(KeyState.SUPPRESSED)
        if status == ACTIVE and person.status is None:
            return KeyResult(KeyState.ERASED)
        subscription_status.change(connection, reader.reader, reader.list, status, desk.clock())
    return KeyResult(result, reader)


def preferences_key(desk: Desk, reader: ReaderClaim) -> str:
    """The key of the reader's preferences page."""
    return signed_links.reader_key(keyring(desk.folder), Purpose.PREFERENCES, reader)


def preferences(desk: Desk, others: Sequence[Desk], key: str) -> Preferences | KeyState:
    """The reader's preferences; a KeyState if there are none.

    ``others`` are the newsletters that are served beside this one.
    """
    person = _person(desk, key)
    if isinstance(person, KeyState):
        return person
    choices = []
    for newsletter in _newsletters(desk, others):
        standing = newsletter.read(
            subscription_status.find_by_address,
            person.email or "",
            newsletter.config.newsletter.list,
        )
        subscribed = standing is not None and standing.status == ACTIVE
        choices.append(NewsletterChoice(newsletter.name, subscribed))
    return Preferences(person.name, person.suppressed is not None, tuple(choices))


def set_preferences(
    desk: Desk, others: Sequence[Desk], key: str, name: str, chosen: Sequence[str]
) -> KeyState:
    """Store the name, and subscribe the reader to exactly the chosen newsletters.

    The subscriptions of a suppressed reader stay as they are. Raises ValueError for an invalid
    name.
    """
    name, person = clean_name(name), _person(desk, key)
    if isinstance(person, KeyState):
        return person
    email = person.email or ""
    for newsletter in _newsletters(desk, others):
        list_ = newsletter.config.newsletter.list
        with newsletter.writing() as connection:
            people = Subscribers(connection, list_)
            standing = subscription_status.find_by_address(connection, email, list_)
            if standing:
                rename(connection, standing.reader, name)
            if person.suppressed is not None:
                continue
            is_chosen = newsletter.name in chosen
            subscribed = standing is not None and standing.status == ACTIVE
            if is_chosen and not subscribed and people.suppression_reason(email) is None:
                people.add(email, name, ACTIVE, newsletter.clock(), revive=True)
            elif subscribed and not is_chosen:
                people.remove(email, newsletter.clock())
    return KeyState.DONE


def erase(desk: Desk, others: Sequence[Desk], key: str) -> KeyState:
    """Erase the reader for good, in every database of the newsletters that are served here."""
    person = _person(desk, key)
    if isinstance(person, KeyState):
        return person
    for served in {database_location(d): d for d in (*others, desk)}.values():
        with served.writing() as connection:
            people = Subscribers(connection, served.config.newsletter.list)
            people.erase(person.email or "", served.clock())
    log.info("A reader was erased at their own request")
    return KeyState.DONE


def require_own_secrets(desks: Sequence[Desk]) -> None:
    """Raises ConfigError if two databases share a secret.

    A link names its reader by number, and the same number is another reader in another database.
    """
    owners: dict[bytes, Desk] = {}
    for desk in desks:
        for key in keyring(desk.folder).keys.values():
            other = owners.setdefault(key, desk)
            if database_location(other) != database_location(desk):
                raise ConfigError(
                    f"{other.folder.resolve()} and {desk.folder.resolve()} sign readers' links "
                    f"with one secret but use different databases, so a link of one would open the "
                    f"other. Remove NEWSLETTER_SECRET, so that each uses its own secret.key, or "
                    f"let them share a database."
                )


def _person(desk: Desk, key: str) -> Subscription | KeyState:
    reader = _read(desk, Purpose.PREFERENCES, key)
    if isinstance(reader, KeyState):
        return reader
    person = desk.read(subscription_status.find_by_id, reader.reader, reader.list)
    if person is None or person.email is None or person.suppressed == ERASED:
        return KeyState.ERASED
    return person


def _read(desk: Desk, purpose: Purpose, key: str) -> ReaderClaim | KeyState:
    reader = signed_links.read_reader(keyring(desk.folder), purpose, key)
    if reader is None:
        return KeyState.UNKNOWN
    return KeyState.TEST if reader.reader == NOBODY else reader


def _newsletters(desk: Desk, others: Sequence[Desk]) -> list[Desk]:
    """Each list once: this newsletter first, then the others in their order."""
    by_list: dict[tuple[str, str], Desk] = {}
    for newsletter in (desk, *others):
        key = database_location(newsletter), newsletter.config.newsletter.list
        by_list.setdefault(key, newsletter)
    return list(by_list.values())
