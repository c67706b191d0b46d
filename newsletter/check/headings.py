"""Who reads by ear goes from heading to heading."""

from collections.abc import Iterator
from itertools import pairwise

from newsletter.check import HTML, Mail, warning
from newsletter.model import Finding

_LEVELS = " or ".join(f"self::h{level}" for level in range(1, 7))


def check(mail: Mail) -> Iterator[Finding]:
    """One h1, and no level left out on the way down."""
    found = mail.elements(f"//body//*[{_LEVELS}]")
    tops = [heading for heading in found if heading.tag == "h1"]
    if len(tops) != 1:
        yield warning(
            "headings",
            f"The mail has {len(tops)} headings of the first level; one is right: its name.",
            "Put the newsletter's name, and nothing else, into <h1>.",
            HTML,
        )
    for before, after in pairwise(found):
        if int(after.tag[1]) > int(before.tag[1]) + 1:
            yield warning(
                "headings",
                f"After <{before.tag}> comes <{after.tag}> (“{_words(after)}”): a level is left "
                f"out.",
                "Use the headings in order; in the note, begin with ##.",
                **mail.where(after),
            )


def _words(heading: object) -> str:
    return " ".join(heading.text_content().split())[:60]  # type: ignore[attr-defined]
