"""Characters must survive every provider, some of which send Latin-1 text as iso-8859-1."""

import re
from collections.abc import Iterator

from newsletter.check import HTML, TEXT, Mail, error
from newsletter.model import Finding
from newsletter.text.characters import is_latin_1

_UTF_8 = re.compile(r"(?:text/html;\s*charset\s*=\s*)?utf-8", re.IGNORECASE)
_BROKEN = re.compile("[\ufffd\ud800-\udfff]")


def check(mail: Mail) -> Iterator[Finding]:
    """Each part is ASCII or holds a character above U+00FF, and no broken ones."""
    for place, part in ((HTML, mail.rendered.html), (TEXT, mail.rendered.text)):
        if is_latin_1(part):
            yield error(
                "charset",
                "All its characters are Latin-1, so a provider may send it in that charset, and "
                "Gmail then clips it.",
                "Keep the preheader's padding (&zwnj;) in the template.",
                place,
            )
        if broken := _BROKEN.findall(part):
            yield error(
                "charset",
                f"It holds {len(broken)} broken character(s).",
                "Look for � in the note and in issue.toml, and type the right character.",
                place,
            )
    charsets = [str(value) for value in mail.elements("//meta/@charset | //meta/@content")]
    if not any(_UTF_8.fullmatch(charset.strip()) for charset in charsets):
        yield error(
            "charset",
            "The HTML does not declare UTF-8.",
            'Put <meta charset="utf-8"> into the <head> of the template.',
            HTML,
        )
