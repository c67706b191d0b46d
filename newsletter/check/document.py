"""The frame of the HTML part: document type, title, viewport, and no active content."""

import re
from collections.abc import Iterator

from newsletter.check import HTML, Mail, error, warning
from newsletter.model import Finding

_ACTIVE = (
    *("script", "form", "input", "button", "select", "textarea", "iframe", "frame", "frameset"),
    *("object", "embed", "applet", "audio", "video", "canvas", "svg", "math", "base", "marquee"),
)
_EVENT_HANDLERS = "//@*[starts-with(name(), 'on')]/.."
_REFRESH = "//meta[translate(@http-equiv, 'REFSH', 'refsh')='refresh']"


def check(mail: Mail) -> Iterator[Finding]:
    """The document type comes first; there is a title, and nothing active."""
    if not re.match(r"<!DOCTYPE html>", mail.rendered.html):
        yield warning(
            "document",
            "The HTML does not begin with <!DOCTYPE html>, so clients use quirks mode.",
            "Begin email.html.j2 with exactly <!DOCTYPE html>.",
            HTML,
        )
    if not "".join(mail.elements("//head/title/text()")).strip():
        yield warning(
            "document",
            "The HTML has no title, which screen readers read first.",
            "Put <title>{{ issue.subject }}</title> into the <head> of the template.",
            HTML,
        )
    if not mail.elements("//meta[@name='viewport']"):
        yield warning(
            "document",
            "The HTML has no viewport, so phones may show it tiny.",
            'Put <meta name="viewport" content="width=device-width, initial-scale=1"> into the '
            "<head> of the template.",
            HTML,
        )
    for element in mail.elements("|".join(f"//{tag}" for tag in _ACTIVE)):
        yield error(
            "document",
            f"There is a <{element.tag}>, which mail programs remove and filters treat as harmful.",
            "Remove it from the template; link to a page that has it.",
            **mail.where(element),
        )
    for element in mail.elements(f"{_EVENT_HANDLERS} | {_REFRESH}"):
        yield error(
            "document",
            f"A <{element.tag}> runs a script or loads another page, which mail programs forbid "
            f"and filters treat as harmful.",
            "Remove its attributes that begin with on…, or the <meta> that refreshes.",
            **mail.where(element),
        )
