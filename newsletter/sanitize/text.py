"""Reduce HTML to text, text to one harmless line, and a text to its first sentences."""

from __future__ import annotations

import re
import unicodedata

from newsletter.links import tokens

ELLIPSIS = "…"
HEADLINE_LENGTH = 300
BLURB_LENGTH = 280

# Invisible characters: direction overrides and isolates, zero-width spaces, soft hyphens, marks of
# broken decoding. Joiners and direction marks stay: emoji, Persian and Arabic need them.
_INVISIBLE = re.compile(
    "[\u00ad\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069\ufff9-\uffff\ud800-\udfff]"
)
_CONTROL = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
_SPACE = re.compile(r"\s+")

_BLOCK = re.compile(
    r"address|article|aside|audio|blockquote|body|br|caption|d[dlt]|div|fig(?:caption|ure)|footer|"
    r"form|h[1-6]|head(?:er)?|hr|html|iframe|img|legend|li|main|nav|[ou]l|option|p|pre|section|"
    r"select|table|t(?:body|d|foot|h|head|itle|r)|video"
)
_WITHOUT_TEXT = re.compile(
    r"script|style|template|noscript|iframe|object|svg|math|head|textarea|figcaption"
)

# What content systems append to an excerpt; removed repeatedly until none is left.
_ARROWS = r"\s*[.…»→>:]*$"
_TAILS = (
    re.compile(r"\s*The post .{1,400} (?:first )?appeared (?:first )?on .{1,200}$"),
    re.compile(r"\s*[\[(](?:…|\.\.\.|more\s*(?:…|\.\.\.)?|\+)[\])]$", re.IGNORECASE),
    re.compile(
        r"(?:^|(?<=[.!?…\"”’\])]))\s*"
        r"(?:(?:continue|keep) reading|read more (?:about|at|from|here|on)|"
        r"read (?:the )?(?:full|entire|whole|rest of the) (?:article|post|story))\b"
        rf"(?:[^.!?…]|\.(?=\w)){{0,120}}{_ARROWS}",
        re.IGNORECASE,
    ),
    re.compile(
        rf"\s*\b(?:Continue|Keep|Read|CONTINUE|READ) (?:[Rr]eading|[Mm]ore|READING|MORE){_ARROWS}"
    ),
    re.compile(rf"\s*(?:기사 ?)?(?:전문 ?|더 ?|자세히 ?|계속 ?)(?:보기|읽기){_ARROWS}"),
)

_SENTENCE_END = re.compile(
    r"[.!?…。！？]+[\"'”’»」』)\]]*(?=\s|$)|(?<=[가-힣])[.!?]+(?=[^\s\d\"'”’)\]]|$)"
)
_ABBREVIATION = re.compile(
    r"(?:\b(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|Rev|Hon|Sen|Rep|Gov|Pres|Gen|Col|Maj|Capt|Lt|Sgt|Cpl|Pvt|St|"
    r"Mt|Ft|Jr|Sr|No|Nos|vs|Inc|Co|Corp|Ltd|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|Ave|"
    r"Blvd|Rd|etc|approx|dept|est)|\b[ap]\.m|\bi\.e|\be\.g|\bU\.S|\bU\.K|\bD\.C|\bL\.A)$"
)


def one_line(text: str, limit: int | None = HEADLINE_LENGTH) -> str:
    """The text as one line, shorter than ``limit`` characters; None for no limit.

    Nothing in it is invisible, changes the writing direction, or looks like one of our tokens.
    """
    visible = _CONTROL.sub("", _INVISIBLE.sub("", text))
    line = tokens.without_tokens(_SPACE.sub(" ", visible).strip())
    return line if limit is None or len(line) < limit else _cut(line, limit - 1)


def plain(html: str) -> str:
    """The text of a piece of HTML on one line: no tags, no scripts, entities resolved once."""
    if "<" not in html and "&" not in html:
        return one_line(html, None)
    import lxml.html

    # Bytes, because lxml refuses a str that declares an encoding.
    source = _CONTROL.sub("", _INVISIBLE.sub("", html)).replace("\x0b", " ").replace("\x0c", " ")
    parser = lxml.html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    body = lxml.html.fromstring(b"<html><body>" + source.encode(), parser=parser)
    return one_line("".join(_text_nodes(body)), None)


def blurb(html: str, limit: int = BLURB_LENGTH) -> str:
    """The first sentences of a text or of HTML, at most ``limit`` characters.

    Cut at the end of a sentence if there is one, otherwise between words with "…". What content
    systems append to an excerpt ("Read more", "The post … appeared first on …") is removed.
    """
    text, is_truncated = _without_tails(plain(html))
    if len(text) <= limit and not is_truncated:
        return text
    ends = [m.end() for m in _SENTENCE_END.finditer(text[: limit + 1]) if _ends_sentence(text, m)]
    ends = [end for end in ends if limit // 10 <= end <= limit]
    if ends:
        return text[: ends[-1]]
    if len(text) < limit:
        return text.rstrip(" .,;:…") + ELLIPSIS
    return _cut(text, limit)


def _text_nodes(body: object) -> list[str]:
    """The text of a tree in order, with spaces where a browser starts a new line."""
    from lxml import etree

    nodes: list[str] = []
    hidden = 0  # how many ancestors have no visible text
    for event, element in etree.iterwalk(body, events=("start", "end")):
        tag = element.tag if isinstance(element.tag, str) else ""
        if event == "start":
            hidden += bool(_WITHOUT_TEXT.fullmatch(tag))
            text = element.text
        else:
            hidden -= bool(_WITHOUT_TEXT.fullmatch(tag))
            text = element.tail
        if _BLOCK.fullmatch(tag):
            nodes.append(" ")
        if text and not hidden:
            nodes.append(text)
    return nodes


def _without_tails(text: str) -> tuple[str, bool]:
    """The text without what content systems append, and whether the publisher truncated it."""
    previous, is_truncated = "", False
    while text and previous != text:
        previous = text
        # Only the end, because these patterns are slow on a whole article.
        head, tail = text[:-700], text[-700:]
        for pattern in _TAILS:
            is_truncated = is_truncated or tail.endswith(("…]", "...]", "…)", "...)"))
            tail = pattern.sub("", tail)
        text = (head + tail).rstrip()
    return text, is_truncated


def _ends_sentence(text: str, match: re.Match[str]) -> bool:
    """Whether punctuation ends a sentence, not an abbreviation or an initial."""
    if not match.group().startswith("."):
        return True
    following = text[match.end() : match.end() + 2].strip()
    if following[:1].islower():
        return False
    return not _ABBREVIATION.search(text[max(0, match.start() - 12) : match.start()])


def _cut(line: str, limit: int) -> str:
    """At most ``limit`` characters including the "…", between words if a space is near."""
    end = limit - len(ELLIPSIS)
    while end > 0 and (unicodedata.combining(line[end]) or line[end] in "\u200d\ufe0f"):
        end -= 1
    head = line[:end]
    space = head.rfind(" ")
    if line[end] != " " and space > end - 40 and space > end // 2:
        head = head[:space]
    return head.rstrip(" ,;:.…-–—\u200d") + ELLIPSIS
