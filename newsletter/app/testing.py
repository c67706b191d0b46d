"""Tests: the very mail, to an editor alone, outside the ledger."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import replace
from datetime import date
from email.utils import parseaddr

from newsletter import deliver, providers, tokens, values
from newsletter.app import approving, correction_mail
from newsletter.app.desk import Desk
from newsletter.app.editing import Built, compose
from newsletter.app.personal import addressee, personal
from newsletter.errors import DatabaseError, UsageError
from newsletter.model import CorrectionDate, Rendered, Send
from newsletter.providers.outbox import OutboxProvider
from newsletter.store.ledger import Reader

log = logging.getLogger(__name__)

NOBODY = 0  # the reader and the list in the links of a test


def send_test(desk: Desk, issue: date, to: str | None = None) -> tuple[str, Built]:
    """Send the exact bytes to an editor; the subject is marked, nothing else differs.

    Raises UsageError without an address, and for what is none.
    """
    address = to or desk.config.editor.email
    if not address:
        raise UsageError(
            "There is nobody to send the test to. Set email in [editor], or name an address: "
            "newsletter test --to ADDRESS"
        )
    if isinstance(issue, CorrectionDate):
        with suppress(DatabaseError), desk.database.read() as connection:  # it needs no database
            correction_mail.refuse_undone(connection, desk.name, issue)
    try:
        values.mailbox(address)
    except ValueError as error:
        raise UsageError(f"--to names {address!r}; {error}.") from None
    built = compose(desk, issue)
    send = send_of(desk, built.issue.date.isoformat(), built.rendered)
    subject = desk.language.say("test", subject=built.rendered.subject)
    mailbox, name = addressee(desk, address)
    (recipient,) = personal(desk, NOBODY)([Reader(0, NOBODY, mailbox, name)])
    if link := _approving(desk, built, mailbox):
        recipient = replace(
            recipient,
            unsubscribe_url=link,
            tokens={**recipient.tokens, **tokens.leading(link, link)},
        )
    deliver.submit_test(desk.provider, replace(send, subject=subject, test=True), [recipient])
    return mailbox, built


def went(desk: Desk, mailbox: str) -> str:
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
        return approving.link(desk, built.issue.date, built.rendered.hash)
    except DatabaseError as error:  # a test needs no database
        log.warning("The test goes without a link to approve: %s", error)
        return None


def as_mail(desk: Desk, built: Built) -> bytes:
    """The mail as it would lie in the editor's own mailbox."""
    editor = desk.config.editor
    address = parseaddr(editor.email or "reader@example.com")[1]
    (recipient,) = personal(desk, NOBODY)([Reader(0, NOBODY, address, editor.name)])
    return providers.as_mail(
        send_of(desk, built.issue.date.isoformat(), built.rendered), recipient, desk.clock()
    )


def send_of(desk: Desk, issue: str, rendered: Rendered) -> Send:
    """A mail of the newsletter's that is in no ledger: a test, or a word to the editor."""
    newsletter = desk.config.newsletter
    return Send(
        issue=issue,
        newsletter=desk.name,
        list=newsletter.list,
        subject=rendered.subject,
        html=rendered.html,
        text=rendered.text,
        hash=rendered.hash,
        sender=newsletter.sender,
        reply_to=newsletter.reply_to,
    )
