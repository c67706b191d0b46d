"""Half of the readers use a dark palette: the mail must define one."""

from collections.abc import Iterator

from newsletter.check import HTML, Mail, warning
from newsletter.model import Finding

_MARKS = ("[data-ogsc]", "[data-ogsb]")


def check(mail: Mail) -> Iterator[Finding]:
    """A dark palette for clients that ask for one, and for Outlook's apps, which do not."""
    if not mail.elements("//meta[@name='color-scheme'][contains(@content,'dark')]"):
        yield warning(
            "dark",
            "The mail does not declare a dark palette, so clients invert its colours.",
            'Put <meta name="color-scheme" content="light dark"> into the <head>.',
            HTML,
        )
    selectors = [rule.selector for rule in mail.stylesheet.rules]
    missing = [mark for mark in _MARKS if not any(mark in selector for selector in selectors)]
    if not mail.stylesheet.has_dark:
        yield warning(
            "dark",
            "The mail has no dark palette; Apple Mail and Outlook.com would use one.",
            "Put @media (prefers-color-scheme: dark) with its colours into extras.css.",
            HTML,
        )
    elif missing:
        yield warning(
            "dark",
            f"Outlook's apps do not get the dark palette: they mark what they darkened, and no "
            f"rule has {' or '.join(missing)}.",
            "Repeat its rules with [data-ogsc] (text) and [data-ogsb] (backgrounds) in front.",
            HTML,
        )
