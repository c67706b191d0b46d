"""Screen readers must not read a layout table aloud as a table of data."""

import re
from collections.abc import Iterator

from newsletter.check import HTML, Mail, warning
from newsletter.model import Finding

_WITHOUT_ROLE = (
    "//table[not(translate(@role, 'PRESNTAIO', 'presntaio')='presentation' or @role='none')]"
    "[not(tr/th or */tr/th)]"
)
_CONDITIONAL = re.compile(r"<!--\[if [^\]]*\]>(.*?)<!\[endif\]-->", re.DOTALL)
_GHOST_TABLE = re.compile(r"<table\b(?![^>]*\brole=[\"']?(?:presentation|none)\b)", re.IGNORECASE)


def check(mail: Mail) -> Iterator[Finding]:
    """Every table without header cells has ``role="presentation"``."""
    for table in mail.elements(_WITHOUT_ROLE):
        yield warning(
            "roles",
            "Screen readers would read a layout table aloud as a table of data.",
            'Give it role="presentation" in the template.',
            **mail.where(table),
        )
    html = mail.rendered.html
    for comment in _CONDITIONAL.finditer(html):
        if table := _GHOST_TABLE.search(comment[1]):
            line = html.count("\n", 0, comment.start(1) + table.start()) + 1
            yield warning(
                "roles",
                "Screen readers would read a table for Outlook aloud as a table of data.",
                'Give the one in <!--[if mso]> role="presentation", too, in the template.',
                f"{HTML}, line {line}",
                line,
            )
