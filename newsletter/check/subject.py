"""The subject and the preheader: what readers see before they open the mail."""

from collections.abc import Iterator
from typing import Any

from newsletter.check import HTML, Mail, error, warning
from newsletter.model import Finding
from newsletter.text.characters import columns

MAX_SUBJECT = 78  # columns; every inbox cuts off the rest
PREHEADER = (40, 100)  # columns, minimum and maximum
_PADDING = 40  # invisible characters after it, so that inboxes show nothing else


def check(mail: Mail) -> Iterator[Finding]:
    """There is a subject of one line that inboxes show in full, and a preheader."""
    subject = mail.rendered.subject
    if not subject.strip():
        yield error("subject", "The subject is empty.", "Write one in subject = …", "issue.toml")
    elif any(not character.isprintable() for character in subject):
        yield error(
            "subject",
            "The subject holds a line break or a control character.",
            "Write it again on one line in subject = …",
            "issue.toml",
        )
    elif columns(subject) > MAX_SUBJECT:
        yield warning(
            "subject",
            f"The subject is {columns(subject)} letters wide; inboxes show at most {MAX_SUBJECT}.",
            "Shorten it in subject = …",
            "issue.toml",
        )
    yield from _preheader(mail)


def _preheader(mail: Mail) -> Iterator[Finding]:
    preheader = mail.rendered.preheader.strip()
    minimum, maximum = PREHEADER
    remedy = f"Write one of {minimum} to {maximum} characters in preheader = …"
    if not preheader:
        yield warning(
            "subject",
            "There is no preheader, so inboxes show the first words of the mail instead.",
            remedy,
            "issue.toml",
        )
        return
    width = columns(preheader)
    if width < minimum:
        yield warning(
            "subject",
            f"The preheader is only {width} letters wide, so inboxes have room to spare.",
            remedy,
            "issue.toml",
        )
    elif width > maximum + 10:  # a drafted preheader may end one word later
        yield warning(
            "subject",
            f"The preheader is {width} letters wide; inboxes show no more than {maximum}.",
            remedy,
            "issue.toml",
        )
    for element, styles in mail.styled:
        if preheader in (element.text or "") and styles.get("display") == "none":
            if _follows_text(element):
                break
            if (padding := element.text_content().count("\u200c")) < _PADDING:
                yield warning(
                    "subject",
                    f"The preheader needs {_PADDING} invisible characters after it and has "
                    f"{padding}, so inboxes also show the mail's first words.",
                    "Put &#847;&zwnj;&nbsp; after it, sixty times, in the template.",
                    **mail.where(element),
                )
            return
    yield warning(
        "subject",
        "The preheader is not hidden at the beginning of the mail.",
        'Put {{ issue.preheader }} first into the body, in an element with "display:none".',
        HTML,
    )


def _follows_text(element: Any) -> bool:
    preceding = element.xpath("preceding::text()[ancestor::body][not(ancestor::style)]")
    return any(text.strip() for text in preceding)
