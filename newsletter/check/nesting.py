"""Clients repair badly nested HTML, each in its own way."""

from collections.abc import Iterator

from newsletter.check import HTML, Mail, warning
from newsletter.model import Finding

_MAX_FINDINGS = 5
# The parser does not report text between table cells, which clients move before the table.
_STRAY_TEXT = (
    "//table/text()[normalize-space()] | //tbody/text()[normalize-space()]"
    " | //tr/text()[normalize-space()]"
)


def check(mail: Mail) -> Iterator[Finding]:
    """No errors by the HTML standard, except for the document type, which has its own check."""
    import html5lib

    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    parser.parse(mail.rendered.html)
    errors = [entry for entry in parser.errors if "doctype" not in entry[1]]
    for (line, _), code, values in errors[:_MAX_FINDINGS]:
        yield warning(
            "nesting",
            f"The HTML is not well nested: {_describe(code, values)}",
            "Correct the template there: close open elements in reverse order.",
            f"{HTML}, line {line}",
            line,
        )
    for text in mail.elements(_STRAY_TEXT):
        parent = text.getparent()
        yield warning(
            "nesting",
            f"{str(text).strip()[:40]!r} is in a <{parent.tag}> but not in a cell.",
            "Put the text into a <td> in the template.",
            **mail.where(parent),
        )
    if len(errors) > _MAX_FINDINGS:
        yield warning(
            "nesting",
            f"There are {len(errors) - _MAX_FINDINGS} more such places.",
            "Correct the first ones, and check again.",
            HTML,
        )


def _describe(code: str, values: dict[str, object]) -> str:
    from html5lib.constants import E

    try:
        return str(E.get(code, code) % values)
    except (KeyError, TypeError, ValueError):
        return code
