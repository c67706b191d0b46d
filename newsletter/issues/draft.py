"""The first draft of issue.toml and note.md, written once from the gathered articles."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

from newsletter.errors import ContentError
from newsletter.issues.files import write_atomically
from newsletter.model import Article, IssueName
from newsletter.text.characters import columns
from newsletter.toml_file import tables

PREHEADER_LIMIT = 100  # narrow letters; inboxes show little more

_HEAD = """\
# The issue of {name}. This file is yours: the program made it once and never writes to it again.
#
# Order the stories as you like, take some out, or add others by their id in gathered.json.
# Keys of a story (and of the lead): article, headline, blurb, image, alt, caption, credit.
# What a story does not say is taken from the article. image = "" leaves the picture out;
# image = "images/name.jpg" takes one from the folder images/ beside this file; alt says in words
# what it shows. form = "text" or "brief" in a section shows its stories without pictures, or as a
# list of headlines.

subject = {subject}
preheader = {preheader}
"""

_SPONSOR = """
# An advertisement, after the section of that title (without `after`: below the lead story):
# [[sponsors]]
# text = "What the sponsor says."        # or image = "images/…" and alt = "…", or both
# link = "https://www.example.com/"
# after = "News"
# starts = 2025-07-01                    # it stands in the issues of these dates only
# ends = 2025-07-31

# In case you missed it: a story of an earlier issue, by its id there.
# [[missed]]
# article = "…"

# A question to the readers. An answer without a link is given by mail.
# [poll]
# question = "…?"
# answers = ["Yes", "No", { text = "Tell us more", link = "https://www.example.com/" }]
"""

_NOTE = """\
<!-- The editor's note, in Markdown. Write below this line; with nothing there is no note. -->
"""


def draft(
    folder: Path,
    issue: IssueName,
    articles: Sequence[Article],
    *,
    newsletter: str,
    most: int,
    untitled: str,
    sections: Sequence[str],
) -> bool:
    """Write issue.toml and note.md unless they exist; True if issue.toml was written.

    A draft that was written without any articles, and not edited since, is written again.

    ``articles`` are the newest first; at most ``most`` become stories, taken from each section
    in turn. ``sections`` gives their order; ``untitled`` heads the stories without one.
    Raises ContentError if issue.toml exists and cannot be read.
    """
    note = folder / "note.md"
    if not note.exists():
        write_atomically(note, _NOTE)
    path = folder / "issue.toml"
    text = _text(issue, articles, newsletter, most, [*sections, untitled])
    if path.exists():
        nothing_yet = _text(issue, (), newsletter, most, [untitled])
        if tables.read_text(path, ContentError) != nothing_yet or not articles:
            return False
    write_atomically(path, text)
    return True


def _text(
    issue: IssueName, articles: Sequence[Article], newsletter: str, most: int, titles: Sequence[str]
) -> str:
    """The whole issue.toml."""
    chosen_by_section = _sections(articles, most, titles)
    lead = _lead(chosen_by_section)
    stories = [s for chosen in chosen_by_section.values() for s in chosen if s != lead]
    subject = lead.title if lead else newsletter
    parts = [_HEAD.format(name=issue, subject=_quoted(subject), preheader=_preheader(stories))]
    if lead:
        parts.append("\n[lead]\n" + _story(lead))
    for title, chosen in chosen_by_section.items():
        rest = [story for story in chosen if story != lead]
        if rest:
            parts.append(f"\n[[sections]]\ntitle = {_quoted(title)}\n")
            parts += ["\n[[sections.stories]]\n" + _story(story) for story in rest]
    return "".join([*parts, _SPONSOR])


def _sections(
    articles: Sequence[Article], most: int, titles: Sequence[str]
) -> dict[str, list[Article]]:
    """The newest of each section in turn, ``most`` in all; the last title is for the others."""
    by_title: dict[str, list[Article]] = {title: [] for title in titles}
    for article in articles:
        by_title.setdefault(article.section or titles[-1], []).append(article)
    turns = [story for turn in zip_longest(*by_title.values()) for story in turn if story]
    chosen = {story.id for story in turns[:most]}
    kept = {t: [s for s in stories_ if s.id in chosen] for t, stories_ in by_title.items()}
    return {title: stories for title, stories in kept.items() if stories}


def _lead(sections: dict[str, list[Article]]) -> Article | None:
    """The newest article with a picture in the first section that has one; else the first."""
    stories = [story for chosen in sections.values() for story in chosen]
    return next((story for story in stories if story.image), stories[0] if stories else None)


def _story(article: Article) -> str:
    lines = [f"article = {_quoted(article.id)}", f"# headline = {_quoted(article.title)}"]
    if article.blurb:
        lines.append(f"# blurb = {_quoted(article.blurb)}")
    return "\n".join(lines) + "\n"


def _preheader(stories: Sequence[Article]) -> str:
    text = ""
    for story in stories:
        longer = f"{text} · {story.title}" if text else story.title
        if columns(longer) > PREHEADER_LIMIT:
            break
        text = longer
    if not text and stories:
        text = stories[0].title
        while columns(text) >= PREHEADER_LIMIT:
            text = text.rpartition(" ")[0] or text[:-1]
        text += "…"
    return _quoted(text)


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's quoting is a subset of it, except for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
