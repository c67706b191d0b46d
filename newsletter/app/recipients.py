"""What differs between readers in a mail: the greeting, and the reader's own links."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from email.utils import parseaddr

from newsletter.app.desk import Desk
from newsletter.links import signed_links, tokens
from newsletter.links.keyring import keyring
from newsletter.model import Recipient
from newsletter.store.ledger import Addressee


def personalizer(desk: Desk, list_id: int) -> Callable[[Sequence[Addressee]], list[Recipient]]:
    """A function that turns readers of the list into recipients of a mail.

    Raises ConfigError if the key that signs the links cannot be used.
    """
    links_of, greeting = _reader_links(desk, list_id), desk.language.words["greeting"]
    prefix, _, suffix = desk.language.words["greeting_named"].partition("{name}")
    plain = tokens.is_plain("".join(*links_of([0])))  # then no reader's link needs escaping

    def recipients(readers: Sequence[Addressee]) -> list[Recipient]:
        links = links_of([reader.subscriber for reader in readers])
        return [
            Recipient(
                reader.delivery,
                reader.email,
                reader.name,
                unsubscribe,
                tokens.values(
                    prefix + reader.name + suffix if reader.name else greeting,
                    unsubscribe,
                    preferences,
                    plain=plain,
                ),
            )
            for reader, (unsubscribe, preferences) in zip(readers, links, strict=True)
        ]

    return recipients


def _reader_links(desk: Desk, list_id: int) -> Callable[[Sequence[int]], list[tuple[str, str]]]:
    """A function: subscribers → the unsubscribe and preferences link of each.

    Without ``base_url`` both are a mailto link.
    """
    newsletter, ring = desk.config.newsletter, keyring(desk.folder)
    if (base := newsletter.base_url) is None:
        by_mail = signed_links.unsubscribe_mailto(
            parseaddr(newsletter.reply_to or newsletter.sender)[1]
        )
        return lambda subscribers: [(by_mail, by_mail)] * len(subscribers)
    signed = signed_links.reader_keys(ring, (f"{base}/unsubscribe/", f"{base}/preferences/"))
    return lambda subscribers: signed(subscribers, list_id)


def mailbox_and_name(desk: Desk, address: str) -> tuple[str, str]:
    """The mailbox and the name in an editor's address; the name may come from ``[editor]``."""
    (name, mailbox), editor = parseaddr(address), desk.config.editor
    if not name and mailbox == parseaddr(editor.email or "")[1]:
        name = editor.name
    return mailbox, name


def sample_tokens(desk: Desk) -> dict[str, str]:
    """Values of the tokens for a preview."""
    base = desk.config.newsletter.base_url or "https://www.example.com"
    say, name = desk.language.say, desk.config.editor.name
    greeting = say("greeting_named", name=name) if name else say("greeting")
    return tokens.values(greeting, f"{base}/unsubscribe/preview", f"{base}/preferences/preview")
