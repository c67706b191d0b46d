"""Every link leads somewhere, over https."""

from collections.abc import Iterator

from newsletter import tokens
from newsletter.check import Mail, error
from newsletter.model import Finding

_FINE = ("https://", "mailto:", "tel:")
_TOKENS = (tokens.UNSUBSCRIBE_HTML, tokens.PREFERENCES_HTML)


def check(mail: Mail) -> Iterator[Finding]:
    """The addresses of the HTML part; the unsubscribe link is a token until the send."""
    for link in mail.elements("//a"):
        address = link.get("href") or ""
        if address.startswith(_FINE) or address in _TOKENS:
            continue
        words = " ".join(link.text_content().split()) or "a link"
        if address.startswith("http://"):
            what = f"{words!r} leads to {address}, which is not https."
        else:
            what = f"{words!r} leads to {address!r}, which is no web address."
        yield error("links", what, "Use the https:// address of the page.", "email.html")
