"""Every link leads somewhere, over https, and its words say where."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Any

from newsletter.check import Mail, error, warning
from newsletter.check._styles import Declared, declared, matcher
from newsletter.links import tokens
from newsletter.model import Finding
from newsletter.text.urls import host_of, split

_TOKENS = (tokens.UNSUBSCRIBE_HTML, tokens.PREFERENCES_HTML)
# Words that name nothing, in English and in Korean.
_VAGUE = re.compile(
    r"(?:please )?(?:(?:click|tap|press|read|see|learn|find out|view) )?(?:on )?"
    r"(?:here|this|more|(?:this |the )?link|this (?:page|article|story))(?: now)?"
    r"|click|continue|continue reading|read|read on|details|"
    r"(?:(?:여기|이곳|(?:이 |아래 )?링크|바로 ?가기|자세히|계속)(?:를|을|에서|로|에)?|더)?"
    r" ?(?:(?:클릭|보기|읽기|알아보기|눌러|누르|보|읽)(?:하|해)?)?"
    r" ?(?:주세요|주십시오|세요|십시오)?",
    re.IGNORECASE,
)
_AT_THE_ENDS = re.compile(r"^[\W_]+|[\W_]+$")
_INSIDE = ("b", "strong", "em", "i", "span", "font")
_BOLD = ("h1", "h2", "h3", "h4", "img")


def check(mail: Mail) -> Iterator[Finding]:
    """The addresses of the HTML part (personal ones are tokens until the send), and their words."""
    leads: dict[str, dict[str, Any]] = defaultdict(dict)
    bare = set(_bare(mail))
    for link in mail.elements("//body//a[@href or not(@name or @id)] | //body//area"):
        address = link.get("href") or ""
        words = _words(link)
        if not _leads_somewhere(mail, address):
            yield _broken(mail, link, address, words)
        if not words:
            yield warning(
                "links",
                f"A link to {address} has no words, so nobody hears where it leads.",
                "Give it some, or give its picture an alternative text.",
                **mail.where(link),
            )
        elif _VAGUE.fullmatch(_AT_THE_ENDS.sub("", words)):
            yield warning(
                "links",
                f"“{words}” does not say where the link leads.",
                "Link the words that name the thing.",
                **mail.where(link),
            )
        elif not link.xpath(".//img"):
            leads[words].setdefault(address, link)
        if _is_hidden_in_text(link, bare):
            yield warning(
                "links",
                f"“{words}” is a link in a text, and not underlined: by colour alone not "
                f"everybody finds it.",
                "Give it text-decoration:underline.",
                **mail.where(link),
            )
    yield from _sounding_the_same(mail, leads)


def _sounding_the_same(mail: Mail, leads: dict[str, dict[str, Any]]) -> Iterator[Finding]:
    for words, links in leads.items():
        if len(links) > 1 and not words.startswith(("http", "www.")):
            yield warning(
                "links",
                f"“{words}” leads to {len(links)} different places, which sound the same.",
                "Let the words of each name its own place.",
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


def _broken(mail: Mail, link: Any, address: str, words: str) -> Finding:
    said = f"“{words}”" if words else "A link"
    if split(address).scheme == "http":
        what = f"{said} leads to {address}, which is not https."
    elif not address:
        what = f"{said} is a link without an address that can be read."
    else:
        what = f"{said} leads to {address[:200]!r}, which is no web address."
    return error("links", what, "Use the https:// address of the page.", **mail.where(link))


def _words(link: Any) -> str:
    images = (link, *link.iter("img")) if link.tag == "area" else link.iter("img")
    alts = (image.get("alt") or "" for image in images)
    return " ".join(" ".join([link.text_content(), *alts, link.get("aria-label") or ""]).split())


def _bare(mail: Mail) -> Iterator[Any]:
    """The elements from which a style block takes the underline."""
    for rule in mail.sheet.rules:
        told = {name: value for name, value, important in rule.declared if important}
        if _not_underlined(told) and (found := matcher(rule.selector)):
            yield from found[0](mail.page)


def _not_underlined(styles: Declared | dict[str, str]) -> bool:
    said = styles.get("text-decoration") or styles.get("text-decoration-line") or "underline"
    return "none" in said.split() and "border-bottom" not in styles


def _is_hidden_in_text(link: Any, bare: Collection[Any]) -> bool:
    """Whether a link without underline stands among other words, as against alone in its line."""
    if link not in bare and not _not_underlined(declared(link.get("style"))):
        return False
    around = link.getparent()
    while around is not None and around.tag in _INSIDE:
        around = around.getparent()
    if around is None or around.tag in _BOLD:
        return False
    return len(_squeezed(around.text_content())) > len(_squeezed(link.text_content())) + 3


def _squeezed(text: str) -> str:
    return "".join(text.split())
