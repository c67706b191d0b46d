"""Signing up: kept by the page, answered by mail afterwards, confirmed by the link in that mail.

The page does the same for every address, known or not, and so takes the same time. Who the address
belongs to is looked at later, by ``serve`` beside its answers or by the next look at the timetable;
what is kept is lost by no crash. A mail that is lost is worse than one that comes twice.
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
from newsletter.links.signed_links import Confirming, Purpose, ReaderOf
from newsletter.model import Answer, Recipient, Rendered
from newsletter.store import Connection, signups
from newsletter.store.signups import Signup
from newsletter.store.subscribers import People
from newsletter.store.subscription_status import ACTIVE, PENDING, of_address
from newsletter.subscriber_csv import normalised

log = logging.getLogger(__name__)

WORKS = timedelta(hours=48)  # a link to confirm
MOST_IN_A_DAY = 3  # mails to one address; in an hour one
_WAIT = timedelta(minutes=10)
_SHORTEST, _LONGEST = timedelta(seconds=20), timedelta(hours=1)  # pauses between two tries


def request(desk: Desk, address: str, network: str) -> bool:
    """Keep a sign-up; False where too many came from that network.

    Raises ValueError for what is no address.
    """
    email = normalised(address)
    with desk.writing() as connection:
        most = desk.config.public.signups_per_network
        return signups.ask(connection, desk.name, email, network, most, desk.clock())


def answer_all(desk: Desk) -> None:
    """Answer the sign-ups that wait. What cannot be mailed now is tried again later."""
    while _any_waits(desk):
        with desk.writing() as connection:
            if _too_many(desk, connection):
                return
            claimed = signups.claim(connection, desk.name, desk.clock())
        for signup in claimed:
            _answer(desk, signup)


def _any_waits(desk: Desk) -> bool:
    return desk.read(signups.waiting, desk.name, desk.clock())


def forget(desk: Desk) -> None:
    """Drop what is old of sign-ups, and who has never confirmed."""
    with desk.reading() as connection:
        if not signups.any_old(connection, desk.name, desk.clock()):
            return
    with desk.writing() as connection:
        gone = signups.forget(connection, desk.name, desk.clock())
    if gone:
        log.info("%d who signed up and never confirmed are forgotten", gone)


def _answer(desk: Desk, signup: Signup) -> None:
    """The mail that it brings, if any: for each address a few, and for all within a limit."""
    now = desk.clock()
    with desk.writing() as connection:
        signups.take_turns(connection, desk.name)
        if now - signup.made_at > WORKS or _had_enough(desk, connection, signup):
            signups.done(connection, signup)
            return
        people = People(connection, desk.config.newsletter.list)
        if people.suppressed(signup.email) is not None:  # erased, bounced or complained
            signups.done(connection, signup)
            return
        if _too_many(desk, connection):
            signups.later(connection, signup, now + _WAIT)
            return
        found = of_address(connection, signup.email, desk.config.newsletter.list)
        known = found is not None and found.status is not None
        if not known:
            people.add(signup.email, "", PENDING, now, revive=False)
            found = of_address(connection, signup.email, desk.config.newsletter.list)
        if found is None:  # erased in this moment
            signups.done(connection, signup)
            return
        signups.mailing(connection, signup, people.list_id, found.reader, now, new=not known)
    list_ = people.list_id
    if found.status == ACTIVE:
        _hand_over(desk, signup, _already(desk, found.reader, list_))
    else:
        _hand_over(desk, signup, _please_confirm(desk, found.reader, list_))


def _had_enough(desk: Desk, connection: Connection, signup: Signup) -> bool:
    now = desk.clock()
    return (
        signups.mails_to(connection, desk.name, signup, now - signups.HOUR) > 0
        or signups.mails_to(connection, desk.name, signup, now - signups.DAY) >= MOST_IN_A_DAY
    )


def _too_many(desk: Desk, connection: Connection) -> bool:
    """Whether so many mails went out that others wait; the editor hears of it once a day."""
    now, most = desk.clock(), desk.config.public.signups_per_hour
    if signups.mails(connection, desk.name, now - signups.HOUR) < most:
        return False
    text = desk.language.say("alert_signups_text", count=str(most))
    issue = desk.next_issue()
    add(desk, connection, NewAlert(AlertKind.SIGNUPS, f"{now:%Y-%m-%d}", issue, text))
    return True


def _please_confirm(desk: Desk, reader: int, list_: int) -> Rendered:
    from newsletter.render import Button, word

    config, say = desk.config, desk.language.say
    name, base = desk.name, config.newsletter.base_url or ""
    says = Confirming(reader, list_, desk.clock() + WORKS, signed_links.new_nonce())
    link = f"{base}/confirm/{signed_links.confirmation_key(keyring(desk.folder), name, says)}"
    return word(
        config,
        say("signup_mail", newsletter=name),
        say("signup_mail_title"),
        [say("signup_mail_text", newsletter=name)],
        Button(say("signup_mail_button"), link, say("signup_mail_note")),
        [say("signup_mail_why", place=base), config.newsletter.address],
    )


def _already(desk: Desk, reader: int, list_: int) -> Rendered:
    from newsletter.render import Button, word

    config, say = desk.config, desk.language.say
    name, base = desk.name, config.newsletter.base_url or ""
    of = ReaderOf(reader, list_)
    own = signed_links.reader_key(keyring(desk.folder), Purpose.PREFERENCES, of)
    return word(
        config,
        say("already_mail", newsletter=name),
        say("already_mail", newsletter=name),
        [say("already_mail_text", newsletter=name)],
        Button(say("already_mail_button"), f"{base}/preferences/{own}", say("already_mail_note")),
        [say("signup_mail_why", place=base), config.newsletter.address],
    )


def _hand_over(desk: Desk, signup: Signup, rendered: Rendered) -> None:
    """Neither a log nor an error names the reader: what a server says may quote the address."""
    newsletter = desk.config.newsletter
    mail = replace(
        unledgered_send(desk, None, rendered), test=True, alert=f"signup-{signup.id}-{signup.tries}"
    )
    leave = signed_links.leaving_by_mail(parseaddr(newsletter.reply_to or newsletter.sender)[1])
    try:
        outcome = desk.provider.submit(mail, [Recipient(0, signup.email, "", leave, {})])
        answer = Answer.NOT_SENT if outcome.pause else outcome.answers.get(0)
    except ConfigError as error:  # of a key that is missing; it knows no reader
        log.error("%s", error)  # noqa: TRY400 - the message says it all
        answer = Answer.NOT_SENT
    except NewsletterError:
        answer = Answer.NOT_SENT
    over = answer in {Answer.ACCEPTED, Answer.REJECTED}
    if answer is Answer.UNKNOWN:  # each try may have brought a mail
        over = signup.tries >= MOST_IN_A_DAY
    with desk.writing() as connection:
        if over:
            signups.done(connection, signup)
        else:
            pause = min(_LONGEST, _SHORTEST * 2 ** min(signup.tries - 1, 10))
            signups.later(connection, signup, desk.clock() + pause)
    if not over:
        log.warning("The mail to somebody who signed up was not taken, and is tried again")
