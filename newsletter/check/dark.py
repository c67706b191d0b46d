"""Half of the readers look in the dark: the mail must say how it looks there."""

from collections.abc import Iterator

from newsletter.check import HTML, Mail, warning
from newsletter.model import Finding


def check(mail: Mail) -> Iterator[Finding]:
    """A dark palette for clients that ask for one, and for Outlook's apps, which do not."""
    if not mail.elements("//meta[@name='color-scheme'][contains(@content,'dark')]"):
        yield warning(
            "dark",
            "The mail does not say that it has a dark palette, so clients invert its colours.",
            'Put <meta name="color-scheme" content="light dark"> into the <head>.',
            HTML,
        )
    asked = any("prefers-color-scheme" in rule.within for rule in mail.sheet.rules)
    marked = any("data-ogs" in rule.selector for rule in mail.sheet.rules)
    if not asked:
        yield warning(
            "dark",
            "The mail has no dark palette; Apple Mail and Outlook.com would use one.",
            "Put @media (prefers-color-scheme: dark) with its colours into extras.css.",
            HTML,
        )
    elif not marked:
        yield warning(
            "dark",
            "Outlook's apps do not get the dark palette: they mark what they darkened instead.",
            "Repeat its rules with [data-ogsc] (text) and [data-ogsb] (grounds) before them.",
            HTML,
        )
