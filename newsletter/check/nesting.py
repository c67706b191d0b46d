"""HTML that is not nested as the standard asks is mended by each client in its own way."""

from collections.abc import Iterator

from newsletter.check import HTML, Mail, warning
from newsletter.model import Finding

_MOST = 5
# The parser says nothing of words between the cells of a table, which clients put before it.
_ASTRAY = (
    "//table/text()[normalize-space()] | //tbody/text()[normalize-space()]"
    " | //tr/text()[normalize-space()]"
)


def check(mail: Mail) -> Iterator[Finding]:
    """No error of a parser that follows the standard, but for the document type's."""
    import html5lib

    parser = html5lib.HTMLParser(namespaceHTMLElements=False)
    parser.parse(mail.rendered.html)
    found = [fault for fault in parser.errors if "doctype" not in fault[1]]
    for (line, _), code, values in found[:_MOST]:
        yield warning(
            "nesting",
            f"The HTML is not well nested: {_said(code, values)}",
            "Mend the template at that place: close what is open, in the reverse order.",
            f"{HTML}, line {line}",
            line,
        )
    for astray in mail.elements(_ASTRAY):
        holder = astray.getparent()
        yield warning(
            "nesting",
            f"{str(astray).strip()[:40]!r} stands in a <{holder.tag}> and in no cell of it.",
            "Put the words into a <td> in the template.",
            **mail.where(holder),
        )
    if len(found) > _MOST:
        yield warning(
            "nesting",
            f"There are {len(found) - _MOST} more such places.",
            "Mend the first ones, and look again.",
            HTML,
        )


def _said(code: str, values: dict[str, object]) -> str:
    from html5lib.constants import E

    try:
        return str(E.get(code, code) % values)
    except (KeyError, TypeError, ValueError):
        return code
