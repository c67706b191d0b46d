"""The frame of the HTML part: what makes clients read it as it was meant."""

import re
from collections.abc import Iterator

from newsletter.check import HTML, Mail, error, warning
from newsletter.model import Finding

_ACTIVE = (
    *("script", "form", "input", "button", "select", "textarea", "iframe", "frame", "frameset"),
    *("object", "embed", "applet", "audio", "video", "canvas", "svg", "math", "base", "marquee"),
)
_SCRIPTED = "//@*[starts-with(name(), 'on')]/.."
_REFRESH = "//meta[translate(@http-equiv, 'REFSH', 'refsh')='refresh']"


def check(mail: Mail) -> Iterator[Finding]:
    """The document type comes first; there is a title, and nothing that acts by itself."""
    if not re.match(r"<!DOCTYPE html>", mail.rendered.html):
        yield warning(
            "document",
            "The HTML does not begin with <!DOCTYPE html>, so clients draw it by old rules.",
            "Begin email.html.j2 with <!DOCTYPE html>, in these letters, before anything else.",
            HTML,
        )
    if not "".join(mail.elements("//head/title/text()")).strip():
        yield warning(
            "document",
            "The HTML has no title, which screen readers say first.",
            "Put <title>{{ issue.subject }}</title> into the <head> of the template.",
            HTML,
        )
    if not mail.elements("//meta[@name='viewport']"):
        yield warning(
            "document",
            "The HTML does not say that it fits phones, so they may show it tiny.",
            'Put <meta name="viewport" content="width=device-width, initial-scale=1"> into the '
            "<head> of the template.",
            HTML,
        )
    for element in mail.elements("|".join(f"//{tag}" for tag in _ACTIVE)):
        yield error(
            "document",
            f"There is a <{element.tag}>, which mail programs take out, and filters take for harm.",
            "Take it out of the template; link to a page that has it.",
            **mail.where(element),
        )
    for element in mail.elements(f"{_SCRIPTED} | {_REFRESH}"):
        yield error(
            "document",
            f"A <{element.tag}> does something by itself, which mail programs forbid, and filters "
            f"take for harm.",
            "Take out its attributes that begin with on…, or the <meta> that leads elsewhere.",
            **mail.where(element),
        )
