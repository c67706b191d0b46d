"""Sign-ups: the page stores them, a mail answers them, and the link in that mail confirms them.

The page does the same work for every address, so its response time does not reveal who subscribes.
Later ``serve`` or the next tick looks up the address and sends the mail. A stored sign-up survives
a crash; its mail may then be sent twice, but is never lost.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from email.utils import parseaddr

from newsletter.app.alerts.queue import AlertKind, NewAlert, add
from newsletter.app.desk import Desk
from newsletter.app.mail import unledgered_send
from newsletter.errors import ConfigError, NewsletterError
from newsletter.links import signed_links
from newsletter.links.keyring import keyring
from newsletter.links.signed_links import ConfirmationClaim, Purpose, ReaderClaim
from newsletter.model import Answer, Recipient, Rendered
from newsletter.store import Connection, signups
from newsletter.store.signups import Signup
from newsletter.store.subscribers import Subscribers
from newsletter.store.subscription_status import ACTIVE, PENDING, find_by_address
from newsletter.subscriber_csv import normalize_address

log = logging.getLogger(__name__)

LINK_LIFETIME = timedelta(hours=48)
MAX_MAILS_A_DAY = 3  # to one address, at most one an hour
_LIMIT_PAUSE = timedelta(minutes=10)  # when the hourly limit is reached
_MIN_PAUSE, _MAX_PAUSE = timedelta(seconds=20), timedelta(hours=1)  # before a retry


def request(desk: Desk, address: str, network: str) -> bool:
    """Store a sign-up; False if too many came from that network.

    Raises ValueError for an invalid address.
    """
    email = normalize_address(address)
    with desk.writing() as connection:
        limit = desk.config.public.signups_per_network
        return signups.add(connection, desk.name, email, network, limit, desk.clock())


def answer_all(desk: Desk) -> None:
    """Answer waiting sign-ups; a mail that cannot be sent now is retried later."""
    while _any_waiting(desk):
        with desk.writing() as connection:
            if _over_total_limit(desk, connection):
                return
            claimed = signups.claim(connection, desk.name, desk.clock())
        for signup in claimed:
            _answer(desk, signup)


def _any_waiting(desk: Desk) -> bool:
    return desk.read(signups.has_due, desk.name, desk.clock())


def delete_old(desk: Desk) -> None:
    """Delete old sign-ups, and people who never confirmed."""
    with desk.reading() as connection:
        if not signups.has_expired(connection, desk.name, desk.clock()):
            return
    with desk.writing() as connection:
        deleted = signups.delete_expired(connection, desk.name, desk.clock())
    if deleted:
        log.info("Deleted %d people who signed up and never confirmed", deleted)


def _answer(desk: Desk, signup: Signup) -> None:
    """Send the mail for a sign-up, within the limits for each address and for all."""
    now = desk.clock()
    with desk.writing() as connection:
        signups.lock(connection, desk.name)
        if now - signup.made_at > LINK_LIFETIME or _over_address_limit(desk, connection, signup):
            signups.mark_answered(connection, signup)
            return
        people = Subscribers(connection, desk.config.newsletter.list)
        if people.suppression_reason(signup.email) is not None:  # erased, bounced or complained
            signups.mark_answered(connection, signup)
            return
        if _over_total_limit(desk, connection):
            signups.postpone(connection, signup, now + _LIMIT_PAUSE)
            return
        person = find_by_address(connection, signup.email, desk.config.newsletter.list)
        subscribed = person is not None and person.status is not None
        if not subscribed:
            people.add(signup.email, "", PENDING, now, revive=False)
            person = find_by_address(connection, signup.email, desk.config.newsletter.list)
        if person is None:  # erased at this moment
            signups.mark_answered(connection, signup)
            return
        signups.mark_mailed(
            connection, signup, people.list_id, person.reader, now, new=not subscribed
        )
    list_ = people.list_id
    if person.status == ACTIVE:
        _mail(desk, signup, _already_subscribed(desk, person.reader, list_))
    else:
        _mail(desk, signup, _please_confirm(desk, person.reader, list_))


def _over_address_limit(desk: Desk, connection: Connection, signup: Signup) -> bool:
    now = desk.clock()
    return (
        signups.count_mails_to(connection, desk.name, signup, now - signups.HOUR) > 0
        or signups.count_mails_to(connection, desk.name, signup, now - signups.DAY)
        >= MAX_MAILS_A_DAY
    )


def _over_total_limit(desk: Desk, connection: Connection) -> bool:
    """Whether the hourly limit for all mails is reached. The editor gets an alert once a day."""
    now, limit = desk.clock(), desk.config.public.signups_per_hour
    if signups.count_mails(connection, desk.name, now - signups.HOUR) < limit:
        return False
    text = desk.language.say("alert_signups_text", count=str(limit))
    issue = desk.next_issue()
    add(desk, connection, NewAlert(AlertKind.SIGNUPS, f"{now:%Y-%m-%d}", issue, text))
    return True


def _please_confirm(desk: Desk, reader: int, list_: int) -> Rendered:
    from newsletter.render import Button, service_mail

    config, say = desk.config, desk.language.say
    name, base = desk.name, config.newsletter.base_url or ""
    confirmation = ConfirmationClaim(
        reader, list_, desk.clock() + LINK_LIFETIME, signed_links.new_nonce()
    )
    link = (
        f"{base}/confirm/{signed_links.confirmation_key(keyring(desk.folder), name, confirmation)}"
    )
    return service_mail(
        config,
        say("signup_mail", newsletter=name),
        say("signup_mail_title"),
        [say("signup_mail_text", newsletter=name)],
        Button(say("signup_mail_button"), link, say("signup_mail_note")),
        [say("signup_mail_why", place=base), config.newsletter.address],
    )


def _already_subscribed(desk: Desk, reader: int, list_: int) -> Rendered:
    from newsletter.render import Button, service_mail

    config, say = desk.config, desk.language.say
    name, base = desk.name, config.newsletter.base_url or ""
    key = signed_links.reader_key(
        keyring(desk.folder), Purpose.PREFERENCES, ReaderClaim(reader, list_)
    )
    return service_mail(
        config,
        say("already_mail", newsletter=name),
        say("already_mail", newsletter=name),
        [say("already_mail_text", newsletter=name)],
        Button(say("already_mail_button"), f"{base}/preferences/{key}", say("already_mail_note")),
        [say("signup_mail_why", place=base), config.newsletter.address],
    )


def _mail(desk: Desk, signup: Signup, rendered: Rendered) -> None:
    """Send one mail. Logs never name the reader, so they omit the server's reply, which may."""
    newsletter = desk.config.newsletter
    mail = replace(
        unledgered_send(desk, None, rendered), test=True, alert=f"signup-{signup.id}-{signup.tries}"
    )
    leave_url = signed_links.unsubscribe_mailto(
        parseaddr(newsletter.reply_to or newsletter.sender)[1]
    )
    try:
        outcome = desk.provider.submit(mail, [Recipient(0, signup.email, "", leave_url, {})])
        answer = Answer.NOT_SENT if outcome.pause else outcome.answers.get(0)
    except ConfigError as error:  # a missing key; the message names no reader
        log.error("%s", error)  # noqa: TRY400 - the message is complete
        answer = Answer.NOT_SENT
    except NewsletterError:
        answer = Answer.NOT_SENT
    settled = answer in {Answer.ACCEPTED, Answer.REJECTED}
    if answer is Answer.UNKNOWN:  # each try may have sent a mail
        settled = signup.tries >= MAX_MAILS_A_DAY
    with desk.writing() as connection:
        if settled:
            signups.mark_answered(connection, signup)
        else:
            pause = min(_MAX_PAUSE, _MIN_PAUSE * 2 ** min(signup.tries - 1, 10))
            signups.postpone(connection, signup, desk.clock() + pause)
    if not settled:
        log.warning("The mail for a sign-up was not accepted; it will be retried")
