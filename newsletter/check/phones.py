"""A phone is 320 pixels wide, and some clients there know no media query."""

from collections.abc import Iterator

from newsletter.check import Mail, warning
from newsletter.check._styles import Declared, pixels
from newsletter.model import Finding

NARROWEST = 320  # CSS pixels


def check(mail: Mail) -> Iterator[Finding]:
    """Nothing has a fixed width that a narrow phone has not."""
    styles = dict(mail.styled)
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


def _fixed(tag: str, attribute: str | None, styles: Declared) -> float | None:
    """The width in pixels that nothing makes narrower; None where there is none."""
    floor = pixels(styles.get("min-width"))
    width = styles.get("width", attribute if tag in ("table", "td", "th", "img") else None)
    fixed = pixels(width)
    if styles.get("max-width", "").endswith("%"):
        fixed = None
    return max((each for each in (floor, fixed) if each is not None), default=None)
