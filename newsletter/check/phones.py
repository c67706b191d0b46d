"""Phones may be 320 pixels wide, and some clients there ignore media queries."""

from collections.abc import Iterator

from newsletter.check import Mail, warning
from newsletter.check._css import Declarations, declarations, pixels
from newsletter.model import Finding

NARROWEST = 320  # CSS pixels
_MAX_LINE = 40  # letters on one line of such a phone


def check(mail: Mail) -> Iterator[Finding]:
    """Nothing has a fixed width that exceeds a narrow phone's."""
    styles = dict(mail.styled)
    yield from _wide_rows(mail)
    yield from _long_lines(mail)
    for element in mail.elements("//body//*[@width or @style]"):
        width = _fixed_width(element.tag, element.get("width"), styles.get(element, {}))
        if width is not None and width > NARROWEST:
            yield warning(
                "phones",
                f"A <{element.tag}> is {width:.0f} pixels wide on every screen; phones with "
                f"{NARROWEST} scroll sideways.",
                "Give it width:100% and max-width in its style instead.",
                **mail.where(element),
            )


def _wide_rows(mail: Mail) -> Iterator[Finding]:
    """Rows whose cells are narrow enough by themselves, but not together."""
    for row in mail.elements("//body//tr[count(td|th) > 1]"):
        widths = [
            _fixed_width(cell.tag, cell.get("width"), declarations(cell.get("style"))) or 0
            for cell in row
        ]
        if sum(widths) > NARROWEST and max(widths) <= NARROWEST:
            yield warning(
                "phones",
                f"The cells of a row are {sum(widths):.0f} pixels wide together; phones with "
                f"{NARROWEST} scroll sideways.",
                "Make them inline blocks with width:100% and max-width, which wrap.",
                **mail.where(row),
            )


def _long_lines(mail: Mail) -> Iterator[Finding]:
    """Lines that cannot wrap."""
    for element in mail.elements("//body//pre | //body//*[@nowrap or contains(@style,'nowrap')]"):
        default = "pre" if element.tag == "pre" else "nowrap"
        white_space = declarations(element.get("style")).get("white-space", default)
        if white_space not in ("nowrap", "pre"):
            continue
        lines = element.text_content().splitlines()
        longest = max((len(line.strip()) for line in lines), default=0)
        if longest > _MAX_LINE:
            yield warning(
                "phones",
                f"A line of {longest} letters cannot wrap; phones with {NARROWEST} pixels "
                f"scroll sideways.",
                "Remove white-space:nowrap (or <pre>) from long texts.",
                **mail.where(element),
            )


def _fixed_width(tag: str, attribute: str | None, styles: Declarations) -> float | None:
    """The width in pixels that an element keeps on every screen; None if it has none."""
    minimum = pixels(styles.get("min-width"))
    width = pixels(styles.get("width", attribute if tag in ("table", "td", "th", "img") else None))
    max_width = styles.get("max-width", "")
    if width is not None and (limit := pixels(max_width)) is not None:
        width = min(width, limit)
    if max_width.endswith("%"):
        width = None
    return max((value for value in (minimum, width) if value is not None), default=None)
