"""Text must survive every provider: one that holds Latin-1 only goes out as iso-8859-1."""

import re
from collections.abc import Iterator

from newsletter.check import Mail, error
from newsletter.model import Finding
from newsletter.text.characters import is_latin

_UTF_8 = re.compile(r"(?:text/html;\s*charset\s*=\s*)?utf-8", re.IGNORECASE)
_BROKEN = re.compile("[\ufffd\ud800-\udfff]")


def check(mail: Mail) -> Iterator[Finding]:
    """Each part is pure ASCII or holds a character above U+00FF; nothing in it is broken."""
    for place, part in (("email.html", mail.rendered.html), ("email.txt", mail.rendered.text)):
        if is_latin(part):
            yield error(
                "charset",
                "Its characters are all Latin-1, so that a provider may send it in that charset, "
                "and Gmail then shows it clipped.",
                "Keep the preheader's padding (&zwnj;) in the template.",
                place,
            )
        if broken := _BROKEN.findall(part):
            yield error(
                "charset",
                f"It holds {len(broken)} character(s) that were broken on their way here.",
                "Look for � in the note and in issue.toml, and write the right letter.",
                place,
            )
    said = [str(each) for each in mail.elements("//meta/@charset | //meta/@content")]
    if not any(_UTF_8.fullmatch(each.strip()) for each in said):
        yield error(
            "charset",
            "The HTML does not say that it is UTF-8.",
            'Put <meta charset="utf-8"> into the <head> of the template.',
            "email.html",
        )
