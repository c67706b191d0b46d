"""A phone is 320 pixels wide, and some clients there know no media query."""

from collections.abc import Iterator

from newsletter.check import Mail, warning
from newsletter.check._styles import Declared, declared, pixels
from newsletter.model import Finding

NARROWEST = 320  # CSS pixels
_LONGEST = 40  # letters on one line of such a phone


def check(mail: Mail) -> Iterator[Finding]:
    """Nothing has a fixed width that a narrow phone has not."""
    styles = dict(mail.styled)
    yield from _side_by_side(mail)
    yield from _unbroken(mail)
    for element in mail.elements("//body//*[@width or @style]"):
        told = styles.get(element, {})
        wide = _fixed(element.tag, element.get("width"), told)
        if wide is not None and wide > NARROWEST:
            yield warning(
                "phones",
                f"A <{element.tag}> is {wide:.0f} pixels wide whatever the screen; phones with "
                f"{NARROWEST} scroll sideways.",
                "Give it width:100% and max-width in its style instead.",
                **mail.where(element),
            )


def _side_by_side(mail: Mail) -> Iterator[Finding]:
    """Cells that are narrow enough one by one, but not in one row."""
    for row in mail.elements("//body//tr[count(td|th) > 1]"):
        cells = [(c, _fixed(c.tag, c.get("width"), declared(c.get("style")))) for c in row]
        wide = sum(width for _, width in cells if width)
        if wide > NARROWEST and all((width or 0) <= NARROWEST for _, width in cells):
            yield warning(
                "phones",
                f"The cells of a row are {wide:.0f} pixels wide together; phones with "
                f"{NARROWEST} scroll sideways.",
                "Let them be inline blocks with width:100% and max-width, which fold.",
                **mail.where(row),
            )


def _unbroken(mail: Mail) -> Iterator[Finding]:
    """Lines that nothing breaks."""
    for element in mail.elements("//body//pre | //body//*[@nowrap or contains(@style,'nowrap')]"):
        styles = declared(element.get("style"))
        kept = "nowrap" if element.tag != "pre" else "pre"
        if styles.get("white-space", kept) not in ("nowrap", "pre"):
            continue
        lines = element.text_content().splitlines()
        longest = max((len(line.strip()) for line in lines), default=0)
        if longest > _LONGEST:
            yield warning(
                "phones",
                f"A line of {longest} letters must not break; phones with {NARROWEST} pixels "
                f"scroll sideways.",
                "Take white-space:nowrap (or <pre>) away from long texts.",
                **mail.where(element),
            )


def _fixed(tag: str, attribute: str | None, styles: Declared) -> float | None:
    """The width in pixels that nothing makes narrower; None where there is none."""
    floor = pixels(styles.get("min-width"))
    width = styles.get("width", attribute if tag in ("table", "td", "th", "img") else None)
    fixed = pixels(width)
    most = styles.get("max-width", "")
    if fixed is not None and (limit := pixels(most)) is not None:
        fixed = min(fixed, limit)
    if most.endswith("%"):
        fixed = None
    return max((each for each in (floor, fixed) if each is not None), default=None)
