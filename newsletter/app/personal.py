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
    newsletter, say = desk.config.newsletter, desk.language.say
    key = links.signing_key(desk.folder)
    mailbox = parseaddr(newsletter.reply_to or newsletter.sender)[1]
    base, everybody = newsletter.base_url, say("greeting")

    def recipient(reader: Reader) -> Recipient:
        who = reader.subscriber
        url = links.unsubscribe_url(base, mailbox, key, who, list_)
        preferences = links.preferences_url(base, key, who, list_) if base else url
        name = say("greeting_named", name=reader.name) if reader.name else everybody
        return Recipient(
            delivery=reader.delivery,
            email=reader.email,
            name=reader.name,
            unsubscribe_url=url,
            tokens=tokens.values(name, url, preferences),
        )

    return recipient


def sample(desk: Desk) -> dict[str, str]:
    """What stands for the personal parts in the preview."""
    base = desk.config.newsletter.base_url or "https://www.example.com"
    say, name = desk.language.say, desk.config.editor.name
    greeting = say("greeting_named", name=name) if name else say("greeting")
    return tokens.values(greeting, f"{base}/unsubscribe/preview", f"{base}/preferences/preview")
