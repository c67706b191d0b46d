"""Every link leads somewhere, over https, and its words say where."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from newsletter import tokens
from newsletter.check import Mail, error, warning
from newsletter.check._styles import declared
from newsletter.model import Finding

_FINE = ("https://", "mailto:", "tel:")
_TOKENS = (tokens.UNSUBSCRIBE_HTML, tokens.PREFERENCES_HTML)
_EMPTY = frozenset(
    {
        *("here", "click", "click here", "this", "this link", "link", "more", "read more"),
        *("learn more", "see more", "continue", "여기", "여기를 클릭", "클릭", "더보기", "더 보기"),
        *("자세히", "자세히 보기", "링크", "바로가기"),
    }
)
_BOLD = ("h1", "h2", "h3", "h4", "img")


def check(mail: Mail) -> Iterator[Finding]:
    """The addresses of the HTML part (personal ones are tokens until the send), and their words."""
    leads: dict[str, dict[str, Any]] = defaultdict(dict)
    for link in mail.elements("//body//a"):
        address = link.get("href") or ""
        words = _words(link)
        if not address.startswith(_FINE) and address not in _TOKENS:
            yield _broken(mail, link, address, words)
        if not words:
            yield warning(
                "links",
                f"A link to {address} has no words, so nobody hears where it leads.",
                "Give it some, or give its picture an alternative text.",
                **mail.where(link),
            )
        elif words.lower().strip(" .…»›→>") in _EMPTY:
            yield warning(
                "links",
                f"“{words}” does not say where the link leads.",
                "Link the words that name the thing.",
                **mail.where(link),
            )
        elif not link.xpath(".//img"):
            leads[words].setdefault(address, link)
        if _is_hidden_in_text(link):
            yield warning(
                "links",
                f"“{words}” is a link in a text, and not underlined: by colour alone not "
                f"everybody finds it.",
                "Give it text-decoration:underline.",
                **mail.where(link),
            )
    for words, links in leads.items():
        if len(links) > 1 and not words.startswith(("http", "www.")):
            yield warning(
                "links",
                f"“{words}” leads to {len(links)} different places, which sound the same.",
                "Let the words of each name its own place.",
                **mail.where(list(links.values())[1]),
            )


def _broken(mail: Mail, link: Any, address: str, words: str) -> Finding:
    said = f"“{words}”" if words else "A link"
    if address.startswith("http://"):
        what = f"{said} leads to {address}, which is not https."
    else:
        what = f"{said} leads to {address!r}, which is no web address."
    return error("links", what, "Use the https:// address of the page.", **mail.where(link))


def _words(link: Any) -> str:
    said = [link.text_content(), *link.xpath(".//img/@alt"), link.get("aria-label") or ""]
    return " ".join(" ".join(said).split())


def _is_hidden_in_text(link: Any) -> bool:
    """Whether a link without underline stands among other words, as against alone in its line."""
    if declared(link.get("style")).get("text-decoration", "underline") != "none":
        return False
    around = link.getparent()
    while around is not None and around.tag in ("b", "strong", "em", "i", "span"):
        around = around.getparent()
    if around is None or around.tag in _BOLD:
        return False
    return len(_squeezed(around.text_content())) > len(_squeezed(link.text_content())) + 3


def _squeezed(text: str) -> str:
    return "".join(text.split())
