"""The test mail: the exact mail, to an editor only, outside the ledger."""

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
from newsletter.store.ledger import Addressee
from newsletter.toml_file import values

log = logging.getLogger(__name__)


def send_test(desk: Desk, issue: IssueName, to: str | None = None) -> tuple[str, Built]:
    """Send the exact mail, with a marked subject, to an editor.

    ``to``: an address, by default that of ``[editor]``. Returns the mailbox and what was sent to
    it. Raises UsageError if there is no address or it is not valid.
    """
    address = to or desk.config.editor.email
    if not address:
        raise UsageError(
            "There is nobody to send the test to. Set email in [editor], or give an address: "
            "newsletter test --to ADDRESS"
        )
    if issue.is_correction:
        with (
            suppress(DatabaseError),
            desk.reading() as connection,
        ):  # a test works without a database
            correction_mail.refuse_withdrawn(connection, desk.name, issue)
    try:
        values.mailbox(address)
    except ValueError as error:
        raise UsageError(f"--to names {address!r}; {error}.") from None
    built = compose(desk, issue)
    send = unledgered_send(desk, built.issue.name, built.rendered)
    subject = desk.language.say("test", subject=built.rendered.subject)
    mailbox, name = mailbox_and_name(desk, address)
    (recipient,) = personalizer(desk, NOBODY)([Addressee(0, NOBODY, mailbox, name)])
    if link := _approval_link(desk, built, mailbox):
        recipient = replace(
            recipient,
            unsubscribe_url=link,
            tokens={**recipient.tokens, **tokens.link_values(link, link)},
        )
    deliver.submit_test(desk.provider, replace(send, subject=subject, test=True), [recipient])
    return mailbox, built


def describe_destination(desk: Desk, mailbox: str) -> str:
    """Where a test went, as the end of a sentence about it."""
    options = desk.config.provider
    if isinstance(options, OutboxProvider.Options):
        return f"is in {options.path}/tests, as {mailbox} would get it"
    return f"went to {mailbox}"


def _approval_link(desk: Desk, built: Built, mailbox: str) -> str | None:
    """Where the unsubscribe and preferences links of a test to ourselves lead; None without one.

    A test to any other address gets none, because anyone who has it can approve.
    """
    own = {parseaddr(a)[1] for a in (desk.config.editor.email, desk.config.alerts_to) if a}
    needs_approval = desk.config.schedule.approval == "required" and not built.errors
    if mailbox not in own or not needs_approval:
        return None
    try:
        return approval_links.new_link(desk, built.issue.name, built.rendered.hash)
    except DatabaseError as error:  # a test works without a database
        log.warning("The test has no approval link: %s", error)
        return None
