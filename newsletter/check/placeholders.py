"""Nothing unfinished may reach a reader: template marks, merge tags, filler, unknown tokens."""

import re
from collections.abc import Iterator

from newsletter import tokens
from newsletter.check import Mail, error
from newsletter.model import Finding

_MARKS = re.compile(
    r"\{\{.*?\}\}|\{%.*?%\}|<%.*?%>|\*\|.{1,40}?\|\*|%%.{1,40}?%%|%recipient[.\w]*%"
    r"|\blorem ipsum\b|\bTK TK\b|\bTKTK\b|\bXXXX?\b|\[(?:insert|todo|tbd)\b.*?\]",
    re.IGNORECASE,
)


def check(mail: Mail) -> Iterator[Finding]:
    """Marks in what we or the editor wrote; a publisher's own words are never a fault."""
    foreign = _foreign(mail)
    parts = {
        "subject": [mail.rendered.subject],
        "preheader": [mail.rendered.preheader],
        "email.html": mail.texts,
        "email.txt": [mail.rendered.text],
    }
    for place, texts in parts.items():
        own = "\n".join(_without(text, foreign) for text in texts)
        for mark in sorted({match.group() for match in _MARKS.finditer(own)}):
            yield error(
                "placeholders",
                f"{mark!r} looks like a placeholder that nobody filled in.",
                "Write what belongs there, or take it out.",
                place,
            )
    for token, meaning in mail.rendered.tokens.items():
        if token not in tokens.MEANING:
            yield error(
                "placeholders",
                f"{token!r} is not a personal part that the program knows ({meaning}).",
                f"Known are {', '.join(tokens.MEANING)}; mend the template.",
            )


def _foreign(mail: Mail) -> list[str]:
    """Texts of publishers that hold a mark of their own, the longest first."""
    texts = {
        text
        for story in mail.issue.stories
        for text in (story.article.title, story.article.blurb, story.article.caption)
        if text and _MARKS.search(text)
    }
    return sorted(texts, key=len, reverse=True)


def _without(text: str, foreign: list[str]) -> str:
    text = " ".join(text.split())
    for words in foreign:
        text = text.replace(" ".join(words.split()), " ")
    return text
