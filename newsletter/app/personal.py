"""A reader's own parts of the mail: the greeting, and the addresses to leave and to choose."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parseaddr

from newsletter import links, tokens
from newsletter.app.desk import Desk
from newsletter.model import Recipient
from newsletter.store.ledger import Reader


def personal(desk: Desk, list_: int) -> Callable[[Reader], Recipient]:
    """What makes a reader of the list the recipient of the mail.

    Raises ConfigError where the key that signs the addresses cannot be used.
    """
    newsletter, words = desk.config.newsletter, desk.language.words
    keys = links.reader_keys(links.signing_key(desk.folder))
    base, everybody, named = newsletter.base_url, words["greeting"], words["greeting_named"].format
    by_mail = links.leaving_by_mail(parseaddr(newsletter.reply_to or newsletter.sender)[1])
    unsubscribe, preferences = f"{base}/unsubscribe/", f"{base}/preferences/"

    def recipient(reader: Reader) -> Recipient:
        delivery, subscriber, email, name = reader
        greeting = named(name=name) if name else everybody
        if base is None:
            leave = choose = by_mail
        else:
            leaving, choosing = keys(subscriber, list_)
            leave, choose = unsubscribe + leaving, preferences + choosing
        return Recipient(delivery, email, name, leave, tokens.values(greeting, leave, choose))

    return recipient


def addressee(desk: Desk, address: str) -> tuple[str, str]:
    """The mailbox of one of our own, and the name: that of [editor] where it is the editor's."""
    (name, mailbox), editor = parseaddr(address), desk.config.editor
    known = editor.name if mailbox == parseaddr(editor.email or "")[1] else ""
    return mailbox, name or known


def sample(desk: Desk) -> dict[str, str]:
    """What stands for the personal parts in the preview."""
    base = desk.config.newsletter.base_url or "https://www.example.com"
    say, name = desk.language.say, desk.config.editor.name
    greeting = say("greeting_named", name=name) if name else say("greeting")
    return tokens.values(greeting, f"{base}/unsubscribe/preview", f"{base}/preferences/preview")
