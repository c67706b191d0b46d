"""Tests: the very mail, to an editor alone, outside the ledger."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from email.utils import parseaddr

from newsletter import deliver
from newsletter.app.approval import approval_links
from newsletter.app.desk import Desk
from newsletter.app.issue import correction_mail
from newsletter.app.issue.build import Built, compose
from newsletter.app.mail import NOBODY, unledgered_send
from newsletter.app.recipients import mailbox_and_name, personalizer
from newsletter.errors import DatabaseError, UsageError
from newsletter.links import tokens
from newsletter.model import IssueName
from newsletter.providers.outbox import OutboxProvider
from newsletter.store.ledger import Reader
from newsletter.toml_file import values

log = logging.getLogger(__name__)


def send_test(desk: Desk, issue: IssueName, to: str | None = None) -> tuple[str, Built]:
    """Send the exact bytes to an editor; the subject is marked, nothing else differs.

    Raises UsageError without an address, and for what is none.
    """
    address = to or desk.config.editor.email
    if not address:
        raise UsageError(
            "There is nobody to send the test to. Set email in [editor], or name an address: "
            "newsletter test --to ADDRESS"
        )
    if issue.is_correction:
        with suppress(DatabaseError), desk.reading() as connection:  # it needs no database
            correction_mail.refuse_withdrawn(connection, desk.name, issue)
    try:
        values.mailbox(address)
    except ValueError as error:
        raise UsageError(f"--to names {address!r}; {error}.") from None
    built = compose(desk, issue)
    send = unledgered_send(desk, built.issue.name, built.rendered)
    subject = desk.language.say("test", subject=built.rendered.subject)
    mailbox, name = mailbox_and_name(desk, address)
    (recipient,) = personalizer(desk, NOBODY)([Reader(0, NOBODY, mailbox, name)])
    if link := _approving(desk, built, mailbox):
        recipient = replace(
            recipient,
            unsubscribe_url=link,
            tokens={**recipient.tokens, **tokens.leading(link, link)},
        )
    deliver.submit_test(desk.provider, replace(send, subject=subject, test=True), [recipient])
    return mailbox, built


def describe_destination(desk: Desk, mailbox: str) -> str:
    """Where a test went, to be said after "the test": the outbox mails nothing."""
    options = desk.config.provider
    if isinstance(options, OutboxProvider.Options):
        return f"lies in {options.path}/tests, as {mailbox} would get it"
    return f"went to {mailbox}"


def _approving(desk: Desk, built: Built, mailbox: str) -> str | None:
    """Where the links of nobody lead in our own test: to the page that approves it.

    A test to anybody else has no such link, as whoever has one can approve.
    """
    ours = {parseaddr(a)[1] for a in (desk.config.editor.email, desk.config.alerts_to) if a}
    needed = desk.config.schedule.approval == "required" and not built.errors
    if mailbox not in ours or not needed:
        return None
    try:
        return approval_links.new_link(desk, built.issue.name, built.rendered.hash)
    except DatabaseError as error:  # a test needs no database
        log.warning("The test goes without a link to approve: %s", error)
        return None
