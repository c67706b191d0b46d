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
        marks = {m.group() for text in texts for m in _MARKS.finditer(" ".join(text.split()))}
        for mark in sorted(marks - foreign):
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


def _foreign(mail: Mail) -> set[str]:
    """The marks that stand in publishers' own texts: there they are words like any other."""
    articles = [story.article for story in mail.issue.stories]
    texts = [
        text
        for article in articles
        for text in (
            article.title,
            article.blurb,
            article.caption,
            article.credit,
            *article.authors,
        )
        if text
    ]
    if box := mail.issue.editor:
        texts += [box.name, box.bio]
    return {match.group() for text in texts for match in _MARKS.finditer(text)}
