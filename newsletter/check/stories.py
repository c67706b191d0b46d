"""An issue that is nearly empty must not go out, and every story needs words."""

from collections.abc import Iterator

from newsletter.check import Mail, error, warning
from newsletter.model import Finding


def check(mail: Mail) -> Iterator[Finding]:
    """At least ``min_stories`` stories, but in a correction; each with somewhere to read on."""
    stories, needed = mail.issue.stories, mail.config.schedule.min_stories
    if len(stories) < needed and not mail.issue.corrects:
        yield error(
            "stories",
            f"The issue has {_counted(len(stories))}; min_stories asks for {needed}.",
            "Add stories from gathered.json, or lower min_stories in [schedule].",
            "issue.toml",
        )
    for section in mail.issue.sections:
        if not section.stories:
            yield warning(
                "stories",
                f"The section {section.title!r} has no stories.",
                "Add some, or take the section out.",
                "issue.toml",
            )

    for sponsor in mail.issue.sponsors:
        if not sponsor.runs(mail.issue.name.date):
            dates = f"{sponsor.starts or '…'} to {sponsor.ends or '…'}"
            yield warning(
                "stories",
                f"The advertisement {(sponsor.text or sponsor.alt)[:40]!r} runs from {dates}, so "
                f"it is left out.",
                "Change its dates, or take it out.",
                "issue.toml",
            )


def _counted(number: int) -> str:
    return f"{number} {'story' if number == 1 else 'stories'}"
