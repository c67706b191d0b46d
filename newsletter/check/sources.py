"""A week without one of its sources looks like a quiet week, so the editor must know."""

from collections.abc import Iterator

from newsletter.check import Mail, warning
from newsletter.model import Finding, Health


def check(mail: Mail) -> Iterator[Finding]:
    """The last gather read every source, and none is older than its ``stale_after``."""
    for source in mail.issue.sources:
        since = (
            f" since {source.since.astimezone(mail.config.zone):%a %b %d}" if source.since else ""
        )
        if source.status is Health.FAILING:
            yield warning(
                "sources",
                f"{source.name} has failed{since}, so articles may be missing: {source.summary}",
                f"Gather again (newsletter gather {mail.issue.name}), or do without it.",
                "gathered.json",
            )
        elif source.status is Health.STALE:
            yield warning(
                "sources",
                f"{source.name} has had nothing new{since}: {source.summary}",
                "Check whether its publisher moved it; newsletter sources add URL finds the new "
                "address.",
                "gathered.json",
            )
