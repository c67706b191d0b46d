"""Gmail cuts off a mail whose HTML is over 102 KB, and with it the unsubscribe link."""

from collections.abc import Iterator

from newsletter.check import HTML, Mail, error, warning
from newsletter.links import tokens
from newsletter.model import Finding

CLIPPED = 102 * 1024  # bytes
NEAR = 90 * 1024
TRACKED = 400  # characters of a link that a provider counts clicks with


def check(mail: Mail) -> Iterator[Finding]:
    """The size of the HTML part in bytes of UTF-8, as built and with links that are counted."""
    size = len(mail.rendered.html.encode())
    said = f"The HTML part has {size / 1024:.0f} KB"
    remedy = "Take some stories out, shorten their blurbs, or show a section as a brief list."
    if size >= CLIPPED:
        yield error("size", f"{said}; Gmail cuts off what is over 102 KB.", remedy, HTML)
        return
    if size >= NEAR:
        yield warning("size", f"{said}; from 102 KB on Gmail cuts it off.", remedy, HTML)
    if (whole := grown(mail)) >= CLIPPED:
        yield warning(
            "size",
            f"{said}, and about {whole / 1024:.0f} KB where the provider counts clicks; Gmail "
            f"cuts off what is over 102 KB.",
            f"Leave click tracking off, or: {remedy}",
            HTML,
        )


def grown(mail: Mail) -> int:
    """The size in bytes once every link has become one that is counted."""
    addresses = [str(address) for address in mail.elements("//a/@href")]
    counted = (a for a in addresses if a.startswith("http") or tokens.found_in(a))
    size = len(mail.rendered.html.encode())
    return size + sum(max(0, TRACKED - len(address)) for address in counted)
