"""A reader's own parts of the mail: the greeting, and the addresses to leave and to choose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from email.utils import parseaddr

from newsletter import links, tokens
from newsletter.app.desk import Desk
from newsletter.keyring import keyring
from newsletter.model import Recipient
from newsletter.store.ledger import Reader


def personal(desk: Desk, list_: int) -> Callable[[Sequence[Reader]], list[Recipient]]:
    """What makes readers of the list the recipients of the mail.

    Raises ConfigError where the key that signs the addresses cannot be used.
    """
    newsletter, words = desk.config.newsletter, desk.language.words
    base, everybody = newsletter.base_url, words["greeting"]
    own = links.reader_keys(keyring(desk.folder), (f"{base}/unsubscribe/", f"{base}/preferences/"))
    before, _, after = words["greeting_named"].partition("{name}")
    by_mail = links.leaving_by_mail(parseaddr(newsletter.reply_to or newsletter.sender)[1])
    plain = tokens.is_plain(by_mail if base is None else base)  # no key has anything to escape

    def recipients(readers: Sequence[Reader]) -> list[Recipient]:
        ways = [(by_mail, by_mail)] * len(readers)
        if base is not None:
            ways = own([reader.subscriber for reader in readers], list_)
        made = []
        for (delivery, _, email, name, _), (leave, choose) in zip(readers, ways, strict=True):
            greeting = before + name + after if name else everybody
            parts = tokens.values(greeting, leave, choose, plain=plain)
            made.append(Recipient(delivery, email, name, leave, parts))
        return made

    return recipients


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
