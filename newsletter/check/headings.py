"""People who use a screen reader move from heading to heading."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from newsletter.check import HTML, Mail, warning
from newsletter.model import Finding

_LEVELS = " or ".join(f"self::h{level}" for level in range(1, 7))


def check(mail: Mail) -> Iterator[Finding]:
    """Exactly one h1, before all others; no empty heading, and no skipped level."""
    headings = [h for h in mail.elements(f"//body//*[{_LEVELS}]") if not mail.is_hidden(h)]
    top = [heading for heading in headings if heading.tag == "h1"]
    if len(top) != 1:
        yield warning(
            "headings",
            f"The mail has {len(top)} headings of the first level; it needs exactly one.",
            "Put the newsletter's name, and nothing else, into <h1>.",
            HTML,
        )
    for heading in headings:
        if not _text(heading) and not heading.xpath(".//img[normalize-space(@alt)]"):
            yield warning(
                "headings",
                f"There is a <{heading.tag}> without text, which screen readers still announce.",
                "Give it text, or remove it from the template; for space, use a cell.",
                **mail.where(heading),
            )
    if top and headings[0] is not top[0]:
        yield warning(
            "headings",
            f"<{headings[0].tag}> (“{_text(headings[0])}”) comes before the newsletter's name.",
            "Make <h1> the first heading.",
            **mail.where(headings[0]),
        )
    for heading, following in pairwise(headings):
        if int(following.tag[1]) > int(heading.tag[1]) + 1:
            yield warning(
                "headings",
                f"After <{heading.tag}> comes <{following.tag}> (“{_text(following)}”), which "
                f"skips a level.",
                "Use the levels in order; in the note, begin with ##.",
                **mail.where(following),
            )


def _text(heading: Any) -> str:
    return " ".join(heading.text_content().split())[:60]
