"""Gmail cuts off a mail whose HTML is over 102 KB, and with it the unsubscribe link."""

from collections.abc import Iterator

from newsletter.check import Mail, error, warning
from newsletter.model import Finding

CLIPPED = 102 * 1024  # bytes
NEAR = 90 * 1024


def check(mail: Mail) -> Iterator[Finding]:
    """The size of the HTML part in bytes of UTF-8."""
    size = len(mail.rendered.html.encode())
    said = f"The HTML part has {size / 1024:.0f} KB"
    remedy = "Take some stories out, or shorten their blurbs."
    if size >= CLIPPED:
        yield error("size", f"{said}; Gmail cuts off what is over 102 KB.", remedy, "email.html")
    elif size >= NEAR:
        yield warning("size", f"{said}; from 102 KB on Gmail cuts it off.", remedy, "email.html")
