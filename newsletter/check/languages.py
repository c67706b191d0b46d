"""Screen readers, hyphenation and fonts depend on the language; some clients drop <html>."""

from collections.abc import Iterator, Mapping
from typing import Any

from newsletter.check import HTML, Mail, warning
from newsletter.language import Language
from newsletter.model import Finding

_KOREAN_FONTS = ("apple sd gothic neo", "malgun gothic", "noto sans kr", "noto serif kr")


def check(mail: Mail) -> Iterator[Finding]:
    """``lang`` and ``dir`` on <html> and again in the body; fonts that have Korean letters."""
    language = mail.config.newsletter.language
    attributes = {"lang": language, "dir": Language(language).direction}
    # Some clients drop <body>, too.
    for name, elements in (
        ("<html>", mail.elements("/html")),
        ("a wrapper inside <body>", mail.elements("//body//*[@lang and @dir]")),
    ):
        if not any(_has(e, attributes) and _holds_most_text(mail, e) for e in elements):
            expected = " ".join(f'{key}="{value}"' for key, value in attributes.items())
            yield warning(
                "languages",
                f"{name[:1].upper()}{name[1:]} lacks {expected}.",
                'Put lang="{{ language }}" dir="{{ direction }}" there in the template.',
                HTML,
            )
    if language.startswith("ko"):
        fonts = [
            styles["font-family"].lower() for _, styles in mail.styled if "font-family" in styles
        ]
        if not any(korean in font for font in fonts for korean in _KOREAN_FONTS):
            yield warning(
                "languages",
                "No font of the mail has Korean letters, so each client chooses one.",
                "Add 'Apple SD Gothic Neo', 'Malgun Gothic' and 'Noto Sans KR' to font-family.",
                HTML,
            )


def _has(element: Any, attributes: Mapping[str, str]) -> bool:
    return all(element.get(name) == value for name, value in attributes.items())


def _holds_most_text(mail: Mail, element: Any) -> bool:
    return 2 * len(element.text_content()) > sum(map(len, mail.texts))
