"""The subject and the preheader: what a reader sees before opening."""

from collections.abc import Iterator

from newsletter.check import Mail, error, warning
from newsletter.model import Finding

LONGEST = 78  # characters; more is cut off in every inbox


def check(mail: Mail) -> Iterator[Finding]:
    """There is a subject, on one line and of a length that shows; and a preheader."""
    subject = mail.rendered.subject
    if not subject.strip():
        yield error("subject", "The subject is empty.", "Write one in subject = …", "issue.toml")
    elif any(not character.isprintable() for character in subject):
        yield error(
            "subject",
            "The subject holds a line break or a control character.",
            "Write it anew on one line in subject = …",
            "issue.toml",
        )
    elif len(subject) > LONGEST:
        yield warning(
            "subject",
            f"The subject has {len(subject)} characters; inboxes show fewer than {LONGEST}.",
            "Shorten it in subject = …",
            "issue.toml",
        )
    if not mail.rendered.preheader.strip():
        yield warning(
            "subject",
            "There is no preheader, so inboxes show the first words of the mail instead.",
            "Write one of 40 to 100 characters in preheader = …",
            "issue.toml",
        )
