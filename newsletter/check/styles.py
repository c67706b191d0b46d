"""Gmail drops a style block that is too long or broken, or that nests at-rules."""

from collections.abc import Iterator
from typing import Any

from newsletter.check import HTML, Mail, warning
from newsletter.model import Finding

MAX_SIZE = 16 * 1024  # bytes


def check(mail: Mail) -> Iterator[Finding]:
    """The style blocks that remain after inlining; nothing from other servers."""
    sheet = mail.stylesheet
    if sheet.size > MAX_SIZE:
        yield warning(
            "styles",
            f"The style blocks have {sheet.size / 1024:.0f} KB; Gmail drops them over 16 KB.",
            "Move what can be inlined into style.css.",
            HTML,
        )
    for fault in sheet.faults:
        yield warning(
            "styles",
            f"A style block is not valid CSS, and Gmail drops all of it: {fault}.",
            "Correct it in extras.css.",
            HTML,
        )
    for at_rule in sheet.nested:
        yield warning(
            "styles",
            f"{at_rule!r} is inside another rule, so Gmail drops the whole block.",
            "Write the two one after the other.",
            HTML,
        )
    imports = [rule for rule in sheet.at_rules if rule.startswith(("@import", "@font-face"))]
    if imports or any(_loads(link) for link in mail.elements("//link")):
        yield warning(
            "styles",
            "The mail loads a style or a font from elsewhere; Gmail and Outlook.com load none.",
            "Remove it, and name system fonts in font-family.",
            HTML,
        )


def _loads(link: Any) -> bool:
    return bool({"stylesheet", "preload"} & set((link.get("rel") or "").lower().split()))
