"""The subject and the preheader: what a reader sees before opening."""

from collections.abc import Iterator
from typing import Any

from newsletter.check import HTML, Mail, error, warning
from newsletter.model import Finding
from newsletter.text.characters import columns

LONGEST = 78  # characters; more is cut off in every inbox
PREHEADER = (40, 100)  # characters
_PADDING = 40  # empty places behind it, so that the longest rows show nothing else


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
    elif columns(subject) > LONGEST:
        yield warning(
            "subject",
            f"The subject takes the room of {columns(subject)} letters; inboxes show fewer than "
            f"{LONGEST}.",
            "Shorten it in subject = …",
            "issue.toml",
        )
    yield from _preheader(mail)


def _preheader(mail: Mail) -> Iterator[Finding]:
    preheader = mail.rendered.preheader.strip()
    least, most = PREHEADER
    remedy = f"Write one of {least} to {most} characters in preheader = …"
    if not preheader:
        yield warning(
            "subject",
            "There is no preheader, so inboxes show the first words of the mail instead.",
            remedy,
            "issue.toml",
        )
        return
    length = columns(preheader)
    if length < least:
        yield warning(
            "subject",
            f"The preheader takes the room of {length} letters, and leaves half of it empty.",
            remedy,
            "issue.toml",
        )
    elif length > most + 10:  # the draft may end a word later
        yield warning(
            "subject",
            f"The preheader takes the room of {length} letters; inboxes show no more than {most}.",
            remedy,
            "issue.toml",
        )
    for element, styles in mail.styled:
        if preheader in (element.text or "") and styles.get("display") == "none":
            if _stands_after_text(element):
                break
            if (places := element.text_content().count("\u200c")) < _PADDING:
                yield warning(
                    "subject",
                    f"{_PADDING} empty places ought to follow the preheader, and {places} do, so "
                    f"inboxes go on with the mail's first words.",
                    "Put &#847;&zwnj;&nbsp; after it, sixty times, in the template.",
                    **mail.where(element),
                )
            return
    yield warning(
        "subject",
        "The preheader does not stand hidden at the beginning of the mail.",
        'Put {{ issue.preheader }} first into the body, in an element with "display:none".',
        HTML,
    )


def _stands_after_text(element: Any) -> bool:
    before = element.xpath("preceding::text()[ancestor::body][not(ancestor::style)]")
    return any(text.strip() for text in before)
