"""Every link leads somewhere, over https, and its text says where."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Any

from newsletter.check import Mail, error, warning
from newsletter.check._css import Declarations, compile_selector, declarations
from newsletter.links import tokens
from newsletter.model import Finding
from newsletter.text.urls import host_of, split

_TOKENS = (tokens.UNSUBSCRIBE_HTML, tokens.PREFERENCES_HTML)
# Texts that do not say where a link leads, in English and in Korean.
_VAGUE = re.compile(
    r"(?:please )?(?:(?:click|tap|press|read|see|learn|find out|view) )?(?:on )?"
    r"(?:here|this|more|(?:this |the )?link|this (?:page|article|story))(?: now)?"
    r"|click|continue|continue reading|read|read on|details|"
    r"(?:(?:여기|이곳|(?:이 |아래 )?링크|바로 ?가기|자세히|계속)(?:를|을|에서|로|에)?|더)?"
    r" ?(?:(?:클릭|보기|읽기|알아보기|눌러|누르|보|읽)(?:하|해)?)?"
    r" ?(?:주세요|주십시오|세요|십시오)?",
    re.IGNORECASE,
)
_OUTER_SYMBOLS = re.compile(r"^[\W_]+|[\W_]+$")
_INLINE = ("b", "strong", "em", "i", "span", "font")
_NEEDS_NO_UNDERLINE = ("h1", "h2", "h3", "h4", "img")


def check(mail: Mail) -> Iterator[Finding]:
    """The addresses and texts of the links in the HTML part; personal addresses are tokens."""
    by_text: dict[str, dict[str, Any]] = defaultdict(dict)  # text → address → link
    plain = set(_without_underline(mail))
    for link in mail.elements("//body//a[@href or not(@name or @id)] | //body//area"):
        address = link.get("href") or ""
        text = _text(link)
        if not _leads_somewhere(mail, address):
            yield _broken(mail, link, address, text)
        if not text:
            yield warning(
                "links",
                f"A link to {address} has no text, so screen readers cannot say where it leads.",
                "Give it a text, or give its picture an alternative text.",
                **mail.where(link),
            )
        elif _VAGUE.fullmatch(_OUTER_SYMBOLS.sub("", text)):
            yield warning(
                "links",
                f"“{text}” does not say where the link leads.",
                "Link the words that name its target.",
                **mail.where(link),
            )
        elif not link.xpath(".//img"):
            by_text[text].setdefault(address, link)
        if _is_lost_in_text(link, plain):
            yield warning(
                "links",
                f"“{text}” is a link in a text, and not underlined: not everybody recognizes it "
                f"by colour alone.",
                "Give it text-decoration:underline.",
                **mail.where(link),
            )
    yield from _ambiguous(mail, by_text)


def _ambiguous(mail: Mail, by_text: dict[str, dict[str, Any]]) -> Iterator[Finding]:
    for text, links in by_text.items():
        if len(links) > 1 and not text.startswith(("http", "www.")):
            yield warning(
                "links",
                f"“{text}” leads to {len(links)} different places.",
                "Give each link a text that names its own target.",
                **mail.where(list(links.values())[1]),
            )


def _leads_somewhere(mail: Mail, address: str) -> bool:
    if address in _TOKENS:
        return True
    if address.startswith("#") and len(address) > 1:
        return any(address[1:] in (e.get("id"), e.get("name")) for e in mail.page.iter())
    scheme = split(address).scheme
    if scheme in ("mailto", "tel"):
        return True
    return scheme == "https" and bool(host_of(address))


def _broken(mail: Mail, link: Any, address: str, text: str) -> Finding:
    subject = f"“{text}”" if text else "A link"
    if split(address).scheme == "http":
        message = f"{subject} leads to {address}, which is not https."
    elif not address:
        message = f"{subject} is a link without an address."
    else:
        message = f"{subject} leads to {address[:200]!r}, which is not a web address."
    return error("links", message, "Use the https:// address of the page.", **mail.where(link))


def _text(link: Any) -> str:
    """The link's text as a screen reader reads it."""
    images = (link, *link.iter("img")) if link.tag == "area" else link.iter("img")
    alts = (image.get("alt") or "" for image in images)
    return " ".join(" ".join([link.text_content(), *alts, link.get("aria-label") or ""]).split())


def _without_underline(mail: Mail) -> Iterator[Any]:
    """The elements from which a style block removes the underline."""
    for rule in mail.stylesheet.rules:
        important = {name: value for name, value, is_important in rule.declarations if is_important}
        if _removes_underline(important) and (selector := compile_selector(rule.selector)):
            yield from selector[0](mail.page)


def _removes_underline(styles: Declarations) -> bool:
    line = styles.get("text-decoration") or styles.get("text-decoration-line") or "underline"
    return "none" in line.split() and "border-bottom" not in styles


def _is_lost_in_text(link: Any, plain: Collection[Any]) -> bool:
    """Whether a link without underline is surrounded by other text."""
    if link not in plain and not _removes_underline(declarations(link.get("style"))):
        return False
    block = link.getparent()
    while block is not None and block.tag in _INLINE:
        block = block.getparent()
    if block is None or block.tag in _NEEDS_NO_UNDERLINE:
        return False
    return _length(block) > _length(link) + 3


def _length(element: Any) -> int:
    return len("".join(element.text_content().split()))
