"""What the law requires of bulk mail: a postal address, and a way to unsubscribe."""

from collections.abc import Iterator

from newsletter.check import HTML, TEXT, Mail, error, warning
from newsletter.links import tokens
from newsletter.model import Finding


def check(mail: Mail) -> Iterator[Finding]:
    """The postal address and the unsubscribe link, in both parts."""
    address = _without_space(mail.config.newsletter.address)
    for place, text in ((HTML, " ".join(mail.seen)), (TEXT, mail.rendered.text)):
        if address not in _without_space(text):
            yield error(
                "law",
                "The postal address is missing; the law requires it in every issue.",
                "Put {{ newsletter.address }} into the footer of the template.",
                place,
            )
    links = mail.elements(f"//body//a[@href='{tokens.UNSUBSCRIBE_HTML}']")
    if all(mail.is_hidden(link) for link in links):
        yield error(
            "law",
            "There is no visible unsubscribe link.",
            'Put <a href="{{ tokens.unsubscribe_html }}"> into the footer of the template.',
            HTML,
        )
    if tokens.UNSUBSCRIBE_TEXT not in mail.rendered.text:
        yield error(
            "law",
            "There is no unsubscribe address.",
            "Put {{ tokens.unsubscribe_text }} at the end of the template.",
            TEXT,
        )
    is_korean = mail.config.newsletter.language.startswith("ko")
    if is_korean and mail.issue.running and not mail.rendered.subject.startswith("(광고)"):
        yield warning(
            "law",
            "In Korea the subject of advertising mail begins with (광고); this issue has an "
            "advertisement.",
            "Put (광고) first in subject = …, if the issue counts as advertising.",
            "issue.toml",
        )
    if mail.config.newsletter.base_url is None:
        yield warning(
            "law",
            "Readers can unsubscribe only by mail; Gmail and Yahoo require one click.",
            "Set base_url in [newsletter] to the address of the public pages.",
            "newsletter.toml",
        )


def _without_space(text: str) -> str:
    return "".join(text.split())
