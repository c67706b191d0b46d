"""Gmail clips a mail whose HTML exceeds 102 KB, and with it the unsubscribe link."""

from collections.abc import Iterator

from newsletter.check import HTML, Mail, error, warning
from newsletter.links import tokens
from newsletter.model import Finding

CLIPPED = 102 * 1024  # bytes
NEAR = 90 * 1024  # bytes
TRACKED_LINK = 400  # characters of a link through which a provider counts clicks


def check(mail: Mail) -> Iterator[Finding]:
    """The size of the HTML part in bytes of UTF-8, as built and with tracked links."""
    size = len(mail.rendered.html.encode())
    message = f"The HTML part has {size / 1024:.0f} KB"
    remedy = "Remove some stories, shorten their blurbs, or show a section as a brief list."
    if size >= CLIPPED:
        yield error("size", f"{message}; Gmail clips mails over 102 KB.", remedy, HTML)
        return
    if size >= NEAR:
        yield warning("size", f"{message}; Gmail clips mails over 102 KB.", remedy, HTML)
    if (tracked := tracked_size(mail)) >= CLIPPED:
        yield warning(
            "size",
            f"{message}, and about {tracked / 1024:.0f} KB if the provider counts clicks; Gmail "
            f"clips mails over 102 KB.",
            f"Leave click tracking off, or: {remedy}",
            HTML,
        )


def tracked_size(mail: Mail) -> int:
    """The size of the HTML part in bytes once the provider has replaced every link."""
    addresses = [str(address) for address in mail.elements("//a/@href")]
    tracked = [a for a in addresses if a.startswith("http") or tokens.find_all(a)]
    size = len(mail.rendered.html.encode())
    return size + sum(max(0, TRACKED_LINK - len(address)) for address in tracked)
