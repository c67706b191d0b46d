"""The web page of an issue: its frozen mail with a navigation bar and metadata around it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lxml import etree
from lxml import html as pages
from lxml.html import builder as make

from newsletter import colours
from newsletter.model import Change, IssueText, StoryText
from newsletter.render.corrections import correct_page
from newsletter.text.characters import without_invalid_xml

_SHEET = """\
.online, .preheader {{ display: none !important; }}
.desk-bar {{ background: {accent}; }}
.desk-bar div {{ display: flex; flex-wrap: wrap; justify-content: space-between; gap: 2px 20px; \
max-width: 600px; margin: 0 auto; padding: 0 20px; font: 15px/1.4 {sans}; }}
.desk-bar a, .desk-bar a:hover {{ padding: 12px 0; color: {on} !important; \
text-underline-offset: 3px; }}
.desk-bar a:focus-visible {{ outline: 3px solid {on}; outline-offset: -3px; }}
.desk-mended {{ box-sizing: border-box; max-width: 600px; margin: 0 auto; padding: 16px 20px 4px; \
border-left: 5px solid {accent}; background: #fffdf9; color: #1c1a17; font: 16px/1.5 {sans}; }}
.desk-mended p {{ margin: 0 0 12px; }}
.page {{ min-width: 0; }}
@media (prefers-color-scheme: dark) {{ .desk-mended {{ background: #262320; color: #ede8de; }} }}
"""
_SANS = {
    True: "'Apple SD Gothic Neo','Malgun Gothic','Noto Sans KR',sans-serif",
    False: "Helvetica,Arial,sans-serif",
}
_HEADINGS = "./descendant::*[self::h1 or self::h2 or self::h3 or self::h4][1]"


@dataclass(frozen=True)
class PageFrame:
    """What the page has around the mail."""

    title: str
    language: str
    accent: str  # CSS colour
    meta: Sequence[tuple[str, str]]  # name or property (such as og:title), content
    links: Sequence[tuple[str, str, str, str]]  # rel, href, type and title; both empty if no feed
    facts: dict[str, Any]  # JSON-LD
    bar_name: str  # for screen readers
    bar: Sequence[tuple[str, str]]  # text and address of each link above the mail
    notes_name: str  # for screen readers
    notes: Sequence[tuple[str, str]]  # date and text of each correction


def render_page(html: str, frame: PageFrame, changes: Sequence[Change]) -> str:
    """The whole page. ``html`` is the mail with its tokens replaced, before the changes."""
    document = _parsed(html)
    for change in changes:
        correct_page(document, change)
    _fill_head(document, frame)
    _frame(document, frame)
    etree.strip_tags(document, etree.Comment)  # all comments are for Outlook
    page: str = pages.tostring(document, encoding="unicode", doctype="<!DOCTYPE html>")
    return page


def count_matches(html: str, earlier: Sequence[Change], change: Change) -> int:
    """How often the page, after the earlier changes, contains what the change replaces."""
    document = _parsed(html)
    for earlier_change in earlier:
        correct_page(document, earlier_change)
    return correct_page(document, change)


def read_issue_text(subject: str, html: str, text: str) -> IssueText:
    """The text of an issue, read from the mail of an older version that did not store it."""
    document = _parsed(html)
    cells = document.xpath("//*[starts-with(@id, 'story-')]")
    stories = tuple(story for cell in cells if (story := _story(cell)).headline)
    pictures = [img.get("src") for cell in cells for img in cell.iter("img")]
    hidden = document.xpath("//*[contains(concat(' ', @class, ' '), ' preheader ')]")
    plain_words = (word for word in text.split() if "://" not in word and "ndx-" not in word)
    return IssueText(
        subject,
        _squeezed(hidden[0].text or "") if hidden else "",
        "" if stories else " ".join(plain_words),
        next((src for src in pictures if (src or "").startswith("https://")), None),
        stories,
    )


def _story(cell: Any) -> StoryText:
    heading = next(iter(cell.xpath(_HEADINGS)), None)
    links = heading.xpath(".//a/@href") if heading is not None else []
    paragraphs = (p for p in cell.iter("p") if "byline" not in (p.get("class") or ""))
    blurb = next((p for p in paragraphs if "caption" not in (p.get("class") or "")), None)
    return StoryText(
        _squeezed(heading.text_content()) if heading is not None else "",
        _squeezed(blurb.text_content()) if blurb is not None else "",
        str(links[0]) if links else None,
    )


def _parsed(html: str) -> Any:
    return pages.document_fromstring(html)


def _squeezed(text: str) -> str:
    return " ".join(text.replace("\u034f", "").replace("\u200c", "").split())


def _fill_head(document: Any, frame: PageFrame) -> None:
    head = document.head
    if head is None:  # a template may leave it out
        head = make.HEAD()
        document.insert(0, head)
    for title in head.findall("title"):
        head.remove(title)
    head.append(make.TITLE(without_invalid_xml(frame.title)))
    for name, content in frame.meta:
        kind = "property" if ":" in name and not name.startswith("twitter:") else "name"
        head.append(make.META({kind: name, "content": without_invalid_xml(content)}))
    for rel, href, type_, title in frame.links:
        feed = {"type": type_, "title": title} if type_ else {}
        head.append(make.LINK({"rel": rel, "href": href, **feed}))
    facts = json.dumps(frame.facts, ensure_ascii=False).replace("<", "\\u003c")
    head.append(make.SCRIPT({"type": "application/ld+json"}, without_invalid_xml(facts)))
    sheet = _SHEET.format(
        accent=frame.accent,
        on=colours.on(frame.accent),
        sans=_SANS[frame.language.startswith("ko")],
    )
    head.append(make.STYLE(sheet))


def _frame(document: Any, frame: PageFrame) -> None:
    """Put the bar and the corrections above the mail, which becomes the page's main element."""
    body = document.body
    main = make.MAIN()
    main.text, body.text = body.text, None
    if frame.notes:
        notes = [make.P(make.STRONG(date), f" {text}") for date, text in frame.notes]
        main.append(make.SECTION({"class": "desk-mended", "aria-label": frame.notes_name}, *notes))
    for element in list(body):
        main.append(element)
    links = [make.A({"href": href}, text) for text, href in frame.bar]
    body.append(make.NAV({"class": "desk-bar", "aria-label": frame.bar_name}, make.DIV(*links)))
    body.append(main)
