"""Nothing unfinished may reach a reader: template marks, merge tags, filler, unknown tokens."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from newsletter.check import HTML, TEXT, Mail, Where, error
from newsletter.links import tokens
from newsletter.model import Finding

# The first letters are looked at alone, first: there are few of them in a mail.
_MARKS = re.compile(
    r"(?=[{}%<*\[$])(?:\{\{.{0,80}?\}\}|\{%.{0,80}?%\}|\{#.{0,80}?#\}|<%.{0,80}?%>"
    r"|\{\{|\}\}|\{%|%\}|<%|%>|\*\|.{1,40}?\|\*|%%\w.{0,40}?%%|%recipient[.\w]*%"
    r"|\[\[\w.{0,40}?\]\]|\[(?i:insert|todo|tbd)\b.*?\]|\$?\{\$?\w*name\}|\$\{\w+\})"
    r"|(?=[lLTX])(?:\b(?i:lorem ipsum)\b|\bTK TK\b|\bTKTK\b|\bTODO\b|\bXXXX?\b)"
)
_SHOWN = " or ".join(f"name()='{name}'" for name in ("alt", "title", "aria-label", "href", "src"))
_OF_THE_OTHER = {
    HTML: (tokens.GREETING_TEXT, tokens.UNSUBSCRIBE_TEXT, tokens.PREFERENCES_TEXT),
    TEXT: (tokens.GREETING_HTML, tokens.UNSUBSCRIBE_HTML, tokens.PREFERENCES_HTML),
}
_TRACE = re.compile("ndx-|-xdn", re.IGNORECASE)
_LIKE_A_TOKEN = re.compile(r"\bndx-[\w-]*|\b\w[\w-]*-xdn\b", re.IGNORECASE)


def check(mail: Mail) -> Iterator[Finding]:
    """Marks in what we or the editor wrote; a publisher's own words are never a fault."""
    foreign = sorted(_foreign(mail), key=len, reverse=True)
    for (_, mark), where in _marks(mail, foreign).items():
        yield error(
            "placeholders",
            f"{mark!r} looks like a placeholder that nobody filled in.",
            "Write what belongs there, or take it out.",
            **where,
        )
    yield from _tokens(mail)


def _marks(mail: Mail, foreign: Iterable[str]) -> dict[tuple[str, str], Where]:
    found: dict[tuple[str, str], Where] = {}
    for place, text in (
        ("subject", mail.rendered.subject),
        ("preheader", mail.rendered.preheader),
        (TEXT, mail.rendered.text),
    ):
        for mark in _MARKS.findall(_without(foreign, text)):
            found.setdefault((place, mark), {"place": place, "line": None, "story": None})
    for text, element in _pieces(mail):
        if _MARKS.search(text):
            for mark in _MARKS.findall(_without(foreign, text)):
                found.setdefault((HTML, mark), mail.where(element))
    return found


def _pieces(mail: Mail) -> Iterator[tuple[str, object]]:
    """What is read or followed in the HTML part, and where it stands."""
    for text in mail.elements("//title/text() | //body//text()[not(ancestor::style)]"):
        yield str(text), text.getparent()
    for value in mail.elements(f"//body//*/@*[{_SHOWN}]"):
        yield str(value), value.getparent()


def _without(foreign: Iterable[str], text: str) -> str:
    """The text on one line, and a gap where a publisher's words stood."""
    line = " ".join(text.split())
    for each in foreign:
        line = line.replace(each, "\n")
    return line


def _tokens(mail: Mail) -> Iterator[Finding]:
    """Every personal part is known, whole, and of the part of the mail in which it stands."""
    for token, meaning in mail.rendered.tokens.items():
        if token not in tokens.MEANING:
            yield error(
                "placeholders",
                f"{token!r} is not a personal part that the program knows ({meaning}).",
                f"Known are {', '.join(tokens.MEANING)}; mend the template.",
            )
    for place, part in ((HTML, mail.rendered.html), (TEXT, mail.rendered.text)):
        for token in _OF_THE_OTHER[place]:
            if token in part:
                yield error(
                    "placeholders",
                    f"{token!r} is for the other part of the mail: its value would be spoiled.",
                    f"Use the one for {'HTML' if place == HTML else 'text'} in the template.",
                    place,
                )
        whole = tokens.found_in(part)
        rest = tokens.fill(part, dict.fromkeys(whole, " "))
        likes = _LIKE_A_TOKEN.findall(rest) if _TRACE.search(rest) else ()
        for like in sorted(set(likes)):
            yield error(
                "placeholders",
                f"{like!r} looks like a personal part, but is none, and readers would see it.",
                f"Known are {', '.join(tokens.MEANING)}; mend the template.",
                place,
            )


def _foreign(mail: Mail) -> set[str]:
    """The publishers' own texts that hold marks: there they are words like any other."""
    stories = (*mail.issue.stories, *mail.issue.missed)
    articles = [story.article for story in stories]
    texts: list[str | None] = []
    for article in articles:
        texts += [article.title, article.blurb, article.caption, article.credit, *article.authors]
        texts += [article.url, article.image]
    if box := mail.issue.editor:
        texts += [box.name, box.bio]
    lines = {" ".join(text.split()) for text in texts if text}
    return {line for line in lines if _MARKS.search(line)}
