"""Mails outside the ledger: a test, an alert, a confirmation."""

from __future__ import annotations

from email.utils import parseaddr

from newsletter import message
from newsletter.app.desk import Desk
from newsletter.app.recipients import personalizer
from newsletter.model import IssueName, Rendered, Send
from newsletter.store.ledger import Addressee

NOBODY = 0  # the reader and the list in the links of a test


def unledgered_send(desk: Desk, issue: IssueName | None, rendered: Rendered) -> Send:
    """A send of the mail from the newsletter's sender that the database does not know."""
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


def message_bytes(desk: Desk, issue: IssueName, rendered: Rendered) -> bytes:
    """The message (RFC 5322) as it would arrive in the editor's mailbox."""
    editor = desk.config.editor
    address = parseaddr(editor.email or "reader@example.com")[1]
    (recipient,) = personalizer(desk, NOBODY)([Addressee(0, NOBODY, address, editor.name)])
    return message.mail(unledgered_send(desk, issue, rendered), recipient, desk.clock())
