"""A table that only lays things out must not be read aloud as a table."""

from collections.abc import Iterator

from newsletter.check import Mail, warning
from newsletter.model import Finding


def check(mail: Mail) -> Iterator[Finding]:
    """Every table without header cells says ``role="presentation"``."""
    for table in mail.elements("//table[not(@role='presentation' or @role='none')][not(.//th)]"):
        yield warning(
            "roles",
            "A table that lays things out would be read aloud as a table of data.",
            'Give it role="presentation" in the template.',
            **mail.where(table),
        )
