"""A table that only lays things out must not be read aloud as a table."""

import re
from collections.abc import Iterator

from newsletter.check import HTML, Mail, warning
from newsletter.model import Finding

_PLAIN = (
    "//table[not(translate(@role, 'PRESNTAIO', 'presntaio')='presentation' or @role='none')]"
    "[not(tr/th or */tr/th)]"
)
_COMMENT = re.compile(r"<!--\[if [^\]]*\]>(.*?)<!\[endif\]-->", re.DOTALL)
_GHOST = re.compile(r"<table\b(?![^>]*\brole=[\"']?(?:presentation|none)\b)", re.IGNORECASE)


def check(mail: Mail) -> Iterator[Finding]:
    """Every table without header cells says ``role="presentation"``."""
    for table in mail.elements(_PLAIN):
        yield warning(
            "roles",
            "A table that lays things out would be read aloud as a table of data.",
            'Give it role="presentation" in the template.',
            **mail.where(table),
        )
    html = mail.rendered.html
    for comment in _COMMENT.finditer(html):
        if ghost := _GHOST.search(comment[1]):
            line = html.count("\n", 0, comment.start(1) + ghost.start()) + 1
            yield warning(
                "roles",
                "A table that is there for Outlook would be read aloud as a table of data.",
                'Give the one in <!--[if mso]> role="presentation", too, in the template.',
                f"{HTML}, line {line}",
                line,
            )
