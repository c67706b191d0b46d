"""A nearly empty issue must not go out."""

from collections.abc import Iterator

from newsletter.check import Mail, error, warning
from newsletter.model import Finding


def check(mail: Mail) -> Iterator[Finding]:
    """At least ``min_stories`` stories, except in a correction; no empty section or old ad."""
    count, minimum = len(mail.issue.stories), mail.config.schedule.min_stories
    if count < minimum and not mail.issue.corrects:
        yield error(
            "stories",
            f"The issue has {count} {'story' if count == 1 else 'stories'}; min_stories asks for "
            f"{minimum}.",
            "Add stories from gathered.json, or lower min_stories in [schedule].",
            "issue.toml",
        )
    for section in mail.issue.sections:
        if not section.stories:
            yield warning(
                "stories",
                f"The section {section.title!r} has no stories.",
                "Add some, or remove the section.",
                "issue.toml",
            )
    for sponsor in mail.issue.sponsors:
        if not sponsor.runs(mail.issue.name.date):
            dates = f"{sponsor.starts or '…'} to {sponsor.ends or '…'}"
            yield warning(
                "stories",
                f"The advertisement {(sponsor.text or sponsor.alt)[:40]!r} runs from {dates}, so "
                f"it is left out.",
                "Change its dates, or remove it.",
                "issue.toml",
            )
