"""Who reads by ear goes from heading to heading."""

from collections.abc import Iterator
from itertools import pairwise

from newsletter.check import HTML, Mail, warning
from newsletter.model import Finding

_LEVELS = " or ".join(f"self::h{level}" for level in range(1, 7))


def check(mail: Mail) -> Iterator[Finding]:
    """One h1, which comes first; none without words, and no level left out on the way down."""
    every = mail.elements(f"//body//*[{_LEVELS}]")
    found = [heading for heading in every if not mail.is_hidden(heading)]
    tops = [heading for heading in found if heading.tag == "h1"]
    if len(tops) != 1:
        yield warning(
            "headings",
            f"The mail has {len(tops)} headings of the first level; one is right: its name.",
            "Put the newsletter's name, and nothing else, into <h1>.",
            HTML,
        )
    for heading in found:
        if not _words(heading) and not heading.xpath(".//img[normalize-space(@alt)]"):
            yield warning(
                "headings",
                f"There is a <{heading.tag}> without words, which is read aloud all the same.",
                "Give it words, or take it out of the template; for space, use a cell.",
                **mail.where(heading),
            )
    if tops and found[0] is not tops[0]:
        yield warning(
            "headings",
            f"<{found[0].tag}> (“{_words(found[0])}”) comes before the mail's own name.",
            "Let <h1> be the first heading.",
            **mail.where(found[0]),
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
