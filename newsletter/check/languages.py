"""Screen readers, hyphenation and fonts follow the language; some clients drop it from <html>."""

from collections.abc import Iterator, Mapping
from typing import Any

from newsletter.check import HTML, Mail, warning
from newsletter.language import Language
from newsletter.model import Finding

_KOREAN = ("apple sd gothic neo", "malgun gothic", "noto sans kr", "noto serif kr")


def check(mail: Mail) -> Iterator[Finding]:
    """``lang`` and ``dir`` on <html> and again in the body; fonts that have Korean letters."""
    tag = mail.config.newsletter.language
    direction = Language(tag).direction
    wanted = f'lang="{tag}" dir="{direction}"'
    said = {"lang": tag, "dir": direction}
    # Some clients take <body> out, too.
    for name, elements in (
        ("<html>", mail.elements("/html")),
        ("a wrapper inside <body>", mail.elements("//body//*[@lang and @dir]")),
    ):
        if not any(_says(e, said) and _holds_most(mail, e) for e in elements):
            yield warning(
                "languages",
                f"The HTML does not say on {name} that it is {wanted}.",
                'Put lang="{{ language }}" dir="{{ direction }}" there in the template.',
                HTML,
            )
    if tag.startswith("ko"):
        fonts = {styles["font-family"].lower() for _, styles in mail.styled if _has_font(styles)}
        if not any(known in font for font in fonts for known in _KOREAN):
            yield warning(
                "languages",
                "No font of the mail has Korean letters, so clients choose one by themselves.",
                "Name 'Apple SD Gothic Neo', 'Malgun Gothic' and 'Noto Sans KR' in font-family.",
                HTML,
            )


def _says(element: Any, said: Mapping[str, str]) -> bool:
    return all(element.get(name) == value for name, value in said.items())


def _holds_most(mail: Mail, element: Any) -> bool:
    whole = sum(map(len, mail.texts))
    return 2 * len(element.text_content()) > whole


def _has_font(styles: object) -> bool:
    return "font-family" in styles  # type: ignore[operator]
