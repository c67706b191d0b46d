"""What the law asks of every bulk mail: a postal address, and a way to leave."""

from collections.abc import Iterator

from newsletter.check import Mail, error, warning
from newsletter.links import tokens
from newsletter.model import Finding


def check(mail: Mail) -> Iterator[Finding]:
    """The postal address and the unsubscribe link, in both parts."""
    address = _squeezed(mail.config.newsletter.address)
    seen = _squeezed(" ".join(mail.seen))
    parts = (("email.html", seen), ("email.txt", _squeezed(mail.rendered.text)))
    for place, text in parts:
        if address not in text:
            yield error(
                "law",
                "The postal address is missing; the law asks for it in every issue.",
                "Put {{ newsletter.address }} into the footer of the template.",
                place,
            )
    links = mail.elements(f"//body//a[@href='{tokens.UNSUBSCRIBE_HTML}']")
    if all(mail.is_hidden(link) for link in links):
        yield error(
            "law",
            "There is no unsubscribe link that a reader sees.",
            'Put <a href="{{ tokens.unsubscribe_html }}"> into the footer of the template.',
            "email.html",
        )
    if tokens.UNSUBSCRIBE_TEXT not in mail.rendered.text:
        yield error(
            "law",
            "There is no unsubscribe address.",
            "Put {{ tokens.unsubscribe_text }} at the end of the template.",
            "email.txt",
        )
    korean = mail.config.newsletter.language.startswith("ko")
    if korean and mail.issue.running and not mail.rendered.subject.startswith("(광고)"):
        yield warning(
            "law",
            "In Korea the subject of advertising mail begins with (광고); this issue has an "
            "advertisement.",
            "Put (광고) first in subject = …, where the issue counts as advertising.",
            "issue.toml",
        )
    if mail.config.newsletter.base_url is None:
        yield warning(
            "law",
            "Readers can leave only by writing a mail; Gmail and Yahoo ask for one click.",
            "Set base_url in [newsletter] to the address of the public pages.",
            "newsletter.toml",
        )


def _squeezed(text: str) -> str:
    return "".join(text.split())
