"""Gmail drops a style block that is too long, broken, or has a rule of rules inside another."""

from collections.abc import Iterator
from typing import Any

from newsletter.check import HTML, Mail, warning
from newsletter.model import Finding

MOST = 16 * 1024  # bytes


def check(mail: Mail) -> Iterator[Finding]:
    """The style blocks that are left after inlining; nothing from elsewhere."""
    sheet = mail.sheet
    if sheet.size > MOST:
        yield warning(
            "styles",
            f"The style blocks have {sheet.size / 1024:.0f} KB; Gmail drops them over 16 KB.",
            "Move what can stand in an element into style.css, which is inlined.",
            HTML,
        )
    for fault in sheet.faults:
        yield warning(
            "styles",
            f"A style block holds what is no CSS, and Gmail drops the whole block for it: {fault}.",
            "Mend it in extras.css.",
            HTML,
        )
    for nested in sheet.nested:
        yield warning(
            "styles",
            f"{nested!r} stands inside another rule; Gmail drops the whole block for it.",
            "Write the two one after the other.",
            HTML,
        )
    fetched = [rule for rule in sheet.at_rules if rule.startswith(("@import", "@font-face"))]
    if fetched or any(_fetches(link) for link in mail.elements("//link")):
        yield warning(
            "styles",
            "The mail wants a style or a font from elsewhere; Gmail and Outlook.com fetch none.",
            "Take it out, and name system fonts in font-family.",
            HTML,
        )


def _fetches(link: Any) -> bool:
    return bool({"stylesheet", "preload"} & set((link.get("rel") or "").lower().split()))
