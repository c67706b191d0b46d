"""Check a built mail before it is approved or sent.

Each check is a module with a function ``check(mail: Mail) -> Iterator[Finding]``; adding a file
adds a check. ``[checks] own`` names such functions from outside. An error stops a send; a warning
does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypedDict

from newsletter import registry
from newsletter.check import _own
from newsletter.config import Config
from newsletter.model import Finding, Issue, Level, Rendered

if TYPE_CHECKING:
    from lxml.html import HtmlElement

    from newsletter.check._css import Declarations
    from newsletter.check._stylesheet import StyleSheet

HTML = "email.html"
TEXT = "email.txt"


class Location(TypedDict):
    """Where in the mail a finding is: keyword arguments of ``error`` and ``warning``."""

    place: str  # for people: a headline, or a file and line
    line: int | None  # in email.html
    story: str | None  # the id of its article


@dataclass(frozen=True)
class Mail:
    """A built mail, as checks receive it."""

    issue: Issue
    rendered: Rendered
    config: Config
    # Unsupported features that the template accepts: feature → keys of mail programs.
    accepted: dict[str, tuple[str, ...]] = field(default_factory=dict)
    # Where missing pictures are named: address or path → file and line.
    picture_locations: dict[str, str] = field(default_factory=dict)

    @cached_property
    def page(self) -> HtmlElement:
        """The parsed HTML part; an empty page if the part is empty."""
        import lxml.html

        html = self.rendered.html
        return lxml.html.document_fromstring(html if html.strip() else "<html></html>")

    def elements(self, path: str) -> list[Any]:
        """What an XPath selects in the HTML part: elements, attributes or texts."""
        elements: list[Any] = self.page.xpath(path)
        return elements

    @cached_property
    def texts(self) -> list[str]:
        """The text nodes of the HTML part, including the hidden preheader."""
        path = "//body//text()[not(ancestor::style)]"
        return [text for text in map(str, self.page.xpath(path)) if text.strip()]

    @property
    def seen(self) -> Iterator[str]:
        """The text nodes of the HTML part that a reader sees."""
        for text in self.elements("//body//text()[not(ancestor::style)]"):
            parent = text.getparent().getparent() if text.is_tail else text.getparent()
            if text.strip() and not self.is_hidden(parent):
                yield str(text)

    def is_hidden(self, element: HtmlElement) -> bool:
        """Whether ``display:none`` hides the element or an ancestor."""
        from newsletter.check._css import declarations

        return any(
            declarations(node.get("style")).get("display") == "none"
            for node in (element, *element.iterancestors())
        )

    @cached_property
    def styled(self) -> list[tuple[HtmlElement, Declarations]]:
        """Every element with a style attribute, and its declarations by property."""
        from newsletter.check._css import declarations

        return [(node, declarations(node.get("style"))) for node in self.elements("//*[@style]")]

    @cached_property
    def stylesheet(self) -> StyleSheet:
        """The style blocks that remain after inlining."""
        from newsletter.check._stylesheet import parse_stylesheet

        return parse_stylesheet(tuple(block.text or "" for block in self.elements("//style")))

    def where(self, element: HtmlElement) -> Location:
        """The line of an element in email.html, and the story that contains it."""
        line = element.sourceline
        for node in (element, *element.iterancestors()):
            name = node.get("id") or ""
            if name.startswith("story-"):
                article = name.removeprefix("story-")
                return {"place": self._headline(article), "line": line, "story": article}
        return {"place": f"{HTML}, line {line}", "line": line, "story": None}

    def _headline(self, article: str) -> str:
        for story in (*self.issue.stories, *self.issue.missed):
            if story.article.id == article:
                return f"“{story.headline}”"
        return HTML


def run(mail: Mail) -> tuple[Finding, ...]:
    """Run every check; errors come first."""
    findings = [finding for module in registry.modules(__name__) for finding in module.check(mail)]
    for name in mail.config.checks.own:
        findings += _own.findings(name, mail)
    return tuple(sorted(findings, key=lambda finding: finding.level is not Level.ERROR))


def error(
    name: str,
    message: str,
    remedy: str,
    place: str | None = None,
    line: int | None = None,
    story: str | None = None,
) -> Finding:
    """A finding that stops the send."""
    return Finding(Level.ERROR, name, message, remedy, place, line, story)


def warning(
    name: str,
    message: str,
    remedy: str,
    place: str | None = None,
    line: int | None = None,
    story: str | None = None,
) -> Finding:
    """A finding that does not stop the send."""
    return Finding(Level.WARNING, name, message, remedy, place, line, story)


__all__ = ["HTML", "TEXT", "Iterator", "Location", "Mail", "error", "run", "warning"]
