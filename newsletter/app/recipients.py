"""A reader's own parts of the mail: the greeting, and the addresses to leave and to choose."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from email.utils import parseaddr

from newsletter.app.desk import Desk
from newsletter.links import signed_links, tokens
from newsletter.links.keyring import keyring
from newsletter.model import Recipient
from newsletter.store.ledger import Reader


def personalizer(desk: Desk, list_: int) -> Callable[[Sequence[Reader]], list[Recipient]]:
    """What makes readers of the list the recipients of the mail.

    Raises ConfigError where the key that signs the addresses cannot be used.
    """
    words, ways = desk.language.words, _ways(desk, list_)
    everybody = words["greeting"]
    before, _, after = words["greeting_named"].partition("{name}")
    plain = tokens.is_plain("".join(*ways([0])))  # what differs by reader has nothing to escape

    def recipients(readers: Sequence[Reader]) -> list[Recipient]:
        both = ways([reader.subscriber for reader in readers])
        made = []
        for (delivery, _, email, name, _), (leave, choose) in zip(readers, both, strict=True):
            greeting = before + name + after if name else everybody
            parts = tokens.values(greeting, leave, choose, plain=plain)
            made.append(Recipient(delivery, email, name, leave, parts))
        return made

    return recipients


def _ways(desk: Desk, list_: int) -> Callable[[Sequence[int]], list[tuple[str, str]]]:
    """What gives subscribers' own addresses to leave and to choose; without pages, one by mail."""
    newsletter, ring = desk.config.newsletter, keyring(desk.folder)
    if (base := newsletter.base_url) is None:
        by_mail = signed_links.leaving_by_mail(
            parseaddr(newsletter.reply_to or newsletter.sender)[1]
        )
        return lambda subscribers: [(by_mail, by_mail)] * len(subscribers)
    own = signed_links.reader_keys(ring, (f"{base}/unsubscribe/", f"{base}/preferences/"))
    return lambda subscribers: own(subscribers, list_)


def mailbox_and_name(desk: Desk, address: str) -> tuple[str, str]:
    """The mailbox of one of our own, and the name: that of [editor] where it is the editor's."""
    (name, mailbox), editor = parseaddr(address), desk.config.editor
    known = editor.name if mailbox == parseaddr(editor.email or "")[1] else ""
    return mailbox, name or known


def sample_tokens(desk: Desk) -> dict[str, str]:
    """What stands for the personal parts in the preview."""
    base = desk.config.newsletter.base_url or "https://www.example.com"
    say, name = desk.language.say, desk.config.editor.name
    greeting = say("greeting_named", name=name) if name else say("greeting")
    return tokens.values(greeting, f"{base}/unsubscribe/preview", f"{base}/preferences/preview")
