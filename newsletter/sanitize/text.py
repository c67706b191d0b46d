"""Foreign words: HTML to text, text to one harmless line, a text to its first sentences."""

from __future__ import annotations

import re
import unicodedata

from newsletter.links import tokens

MORE = "…"
HEADLINE_LENGTH = 300
BLURB_LENGTH = 280

# What nobody sees: direction overrides and isolates, zero-width blanks, soft hyphens, marks of
# broken decoding. Joiners and direction marks stay: emoji, Persian and Arabic need them.
_UNSEEN = re.compile(
    "[\u00ad\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069\ufff9-\uffff\ud800-\udfff]"
)
_CONTROL = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
_BLANK = re.compile(r"\s+")

_APART = re.compile(
    r"address|article|aside|audio|blockquote|body|br|caption|d[dlt]|div|fig(?:caption|ure)|footer|"
    r"form|h[1-6]|head(?:er)?|hr|html|iframe|img|legend|li|main|nav|[ou]l|option|p|pre|section|"
    r"select|table|t(?:body|d|foot|h|head|itle|r)|video"
)
_SILENT = re.compile(
    r"script|style|template|noscript|iframe|object|svg|math|head|textarea|figcaption"
)

# What content systems put behind an excerpt; looked for again until none is left.
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

_ENDS = re.compile(r"[.!?…。！？]+[\"'”’»」』)\]]*(?=\s|$)|(?<=[가-힣])[.!?]+(?=[^\s\d\"'”’)\]]|$)")
_ABBREVIATED = re.compile(
    r"(?:\b(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|Rev|Hon|Sen|Rep|Gov|Pres|Gen|Col|Maj|Capt|Lt|Sgt|Cpl|Pvt|St|"
    r"Mt|Ft|Jr|Sr|No|Nos|vs|Inc|Co|Corp|Ltd|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec|Ave|"
    r"Blvd|Rd|etc|approx|dept|est)|\b[ap]\.m|\bi\.e|\be\.g|\bU\.S|\bU\.K|\bD\.C|\bL\.A)$"
)


def one_line(text: str, limit: int | None = HEADLINE_LENGTH) -> str:
    """The text as one plain line, shorter than ``limit`` characters (None: however long).

    Nothing in it is invisible, steers the direction of writing, or passes for one of our tokens.
    """
    seen = _CONTROL.sub("", _UNSEEN.sub("", text))
    line = tokens.take_apart(_BLANK.sub(" ", seen).strip())
    return line if limit is None or len(line) < limit else _cut(line, limit - 1)


def plain(html: str) -> str:
    """The words of a piece of HTML on one line: no tags, no scripts, entities resolved once."""
    if "<" not in html and "&" not in html:
        return one_line(html, None)
    import lxml.html

    # Bytes, because lxml refuses text that names an encoding; without what XML cannot hold.
    source = _CONTROL.sub("", _UNSEEN.sub("", html)).replace("\x0b", " ").replace("\x0c", " ")
    parser = lxml.html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    body = lxml.html.fromstring(b"<html><body>" + source.encode(), parser=parser)
    return one_line("".join(_words(body)), None)


def blurb(html: str, limit: int = BLURB_LENGTH) -> str:
    """The first sentences of a text or of HTML, at most ``limit`` characters.

    Cut at the end of a sentence where there is one, else between words and with "…". What content
    systems add to an excerpt ("Read more", "The post … appeared first on …") is taken off.
    """
    whole, broken_off = _without_tails(plain(html))
    if len(whole) <= limit and not broken_off:
        return whole
    ends = [m.end() for m in _ENDS.finditer(whole[: limit + 1]) if _is_end(whole, m)]
    ends = [end for end in ends if limit // 10 <= end <= limit]
    if ends:
        return whole[: ends[-1]]
    if len(whole) < limit:
        return whole.rstrip(" .,;:…") + MORE
    return _cut(whole, limit)


def _words(body: object) -> list[str]:
    """The text of a tree in order; blanks where a browser would start a new line."""
    from lxml import etree

    found: list[str] = []
    silent = 0
    for event, element in etree.iterwalk(body, events=("start", "end")):
        tag = element.tag if isinstance(element.tag, str) else ""
        apart = " " if _APART.fullmatch(tag) else ""
        if event == "start":
            silent += bool(_SILENT.fullmatch(tag))
            text = element.text
        else:
            silent -= bool(_SILENT.fullmatch(tag))
            text = element.tail
        found.append(apart)
        if text and not silent:
            found.append(text)
    return found


def _without_tails(text: str) -> tuple[str, bool]:
    """The text alone, and whether its publisher had cut it off ("[…]")."""
    before, broken_off = "", False
    while text and before != text:
        before = text
        # Only the end is looked at: these patterns must not wander through a whole article.
        head, tail = text[:-700], text[-700:]
        for pattern in _TAILS:
            broken_off = broken_off or tail.endswith(("…]", "...]", "…)", "...)"))
            tail = pattern.sub("", tail)
        text = (head + tail).rstrip()
    return text, broken_off


def _is_end(text: str, match: re.Match[str]) -> bool:
    """Whether a full stop ends a sentence, and not only an abbreviation or an initial."""
    if not match.group().startswith("."):
        return True
    following = text[match.end() : match.end() + 2].strip()
    if following[:1].islower():
        return False
    return not _ABBREVIATED.search(text[max(0, match.start() - 12) : match.start()])


def _cut(line: str, limit: int) -> str:
    """At most ``limit`` characters with the "…", between words where there is a blank nearby."""
    end = limit - len(MORE)
    while end > 0 and (unicodedata.combining(line[end]) or line[end] in "\u200d\ufe0f"):
        end -= 1
    head = line[:end]
    blank = head.rfind(" ")
    if line[end] != " " and blank > end - 40 and blank > end // 2:
        head = head[:blank]
    return head.rstrip(" ,;:.…-–—\u200d") + MORE
