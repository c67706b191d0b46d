"""Nothing unfinished may reach a reader: template marks, merge tags, filler, unknown tokens."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from newsletter.check import HTML, TEXT, Location, Mail, error
from newsletter.links import tokens
from newsletter.model import Finding

# The lookaheads for the first letter make this fast: few of those letters occur in a mail.
_PLACEHOLDER = re.compile(
    r"(?=[{}%<*\[$])(?:\{\{.{0,80}?\}\}|\{%.{0,80}?%\}|\{#.{0,80}?#\}|<%.{0,80}?%>"
    r"|\{\{|\}\}|\{%|%\}|<%|%>|\*\|.{1,40}?\|\*|%%\w.{0,40}?%%|%recipient[.\w]*%"
    r"|\[\[\w.{0,40}?\]\]|\[(?i:insert|todo|tbd)\b.*?\]|\$?\{\$?\w*name\}|\$\{\w+\})"
    r"|(?=[lLTX])(?:\b(?i:lorem ipsum)\b|\bTK TK\b|\bTKTK\b|\bTODO\b|\bXXXX?\b)"
)
_ATTRIBUTES = " or ".join(
    f"name()='{name}'" for name in ("alt", "title", "aria-label", "href", "src")
)
_WRONG_TOKENS = {
    HTML: (tokens.GREETING_TEXT, tokens.UNSUBSCRIBE_TEXT, tokens.PREFERENCES_TEXT),
    TEXT: (tokens.GREETING_HTML, tokens.UNSUBSCRIBE_HTML, tokens.PREFERENCES_HTML),
}
_TOKEN_AFFIX = re.compile("ndx-|-xdn", re.IGNORECASE)
_PARTIAL_TOKEN = re.compile(r"\bndx-[\w-]*|\b\w[\w-]*-xdn\b", re.IGNORECASE)


def check(mail: Mail) -> Iterator[Finding]:
    """No placeholders in our own and the editor's text; a publisher's own words may hold them."""
    publishers_texts = sorted(_publishers_texts(mail), key=len, reverse=True)
    for (_, placeholder), location in _placeholders(mail, publishers_texts).items():
        yield error(
            "placeholders",
            f"{placeholder!r} looks like a placeholder that nobody filled in.",
            "Write what belongs there, or remove it.",
            **location,
        )
    yield from _tokens(mail)


def _placeholders(mail: Mail, publishers_texts: Iterable[str]) -> dict[tuple[str, str], Location]:
    """The first location of each placeholder, by part and placeholder."""
    locations: dict[tuple[str, str], Location] = {}
    for place, text in (
        ("subject", mail.rendered.subject),
        ("preheader", mail.rendered.preheader),
        (TEXT, mail.rendered.text),
    ):
        for placeholder in _PLACEHOLDER.findall(_without(publishers_texts, text)):
            location: Location = {"place": place, "line": None, "story": None}
            locations.setdefault((place, placeholder), location)
    for text, element in _html_texts(mail):
        if _PLACEHOLDER.search(text):
            for placeholder in _PLACEHOLDER.findall(_without(publishers_texts, text)):
                locations.setdefault((HTML, placeholder), mail.where(element))
    return locations


def _html_texts(mail: Mail) -> Iterator[tuple[str, object]]:
    """The texts, addresses and descriptions in the HTML part, each with its element."""
    for text in mail.elements("//title/text() | //body//text()[not(ancestor::style)]"):
        yield str(text), text.getparent()
    for value in mail.elements(f"//body//*/@*[{_ATTRIBUTES}]"):
        yield str(value), value.getparent()


def _without(publishers_texts: Iterable[str], text: str) -> str:
    """The text on one line, with line breaks in place of a publisher's texts."""
    line = " ".join(text.split())
    for publishers_text in publishers_texts:
        line = line.replace(publishers_text, "\n")
    return line


def _tokens(mail: Mail) -> Iterator[Finding]:
    """Every token is known, complete, and in the right part of the mail."""
    for token, meaning in mail.rendered.tokens.items():
        if token not in tokens.MEANING:
            yield error(
                "placeholders",
                f"{token!r} is not a token that the program knows ({meaning}).",
                f"Use one of {', '.join(tokens.MEANING)} in the template.",
            )
    for place, part in ((HTML, mail.rendered.html), (TEXT, mail.rendered.text)):
        for token in _WRONG_TOKENS[place]:
            if token in part:
                yield error(
                    "placeholders",
                    f"{token!r} is for the other part of the mail: its value is escaped wrongly "
                    f"here.",
                    f"Use the token for {'HTML' if place == HTML else 'text'} in the template.",
                    place,
                )
        rest = tokens.fill(part, dict.fromkeys(tokens.find_all(part), " "))
        partial = _PARTIAL_TOKEN.findall(rest) if _TOKEN_AFFIX.search(rest) else ()
        for text in sorted(set(partial)):
            yield error(
                "placeholders",
                f"{text!r} looks like a token but is not one, so readers would see it.",
                f"Use one of {', '.join(tokens.MEANING)} in the template.",
                place,
            )


def _publishers_texts(mail: Mail) -> set[str]:
    """The publishers' own texts that look like placeholders."""
    texts: list[str | None] = []
    for story in (*mail.issue.stories, *mail.issue.missed):
        article = story.article
        texts += [article.title, article.blurb, article.caption, article.credit, *article.authors]
        texts += [article.url, article.image]
    if editor := mail.issue.editor:
        texts += [editor.name, editor.bio]
    lines = {" ".join(text.split()) for text in texts if text}
    return {line for line in lines if _PLACEHOLDER.search(line)}
