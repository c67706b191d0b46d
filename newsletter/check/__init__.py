"""Look at a built mail before it goes anywhere: small checks, a file per family → findings.

A check is a module with a function ``check(mail: Mail) -> Iterator[Finding]``; adding a file adds
a check. ``[checks] own`` names functions of the same kind from outside. An error stops a send, a
warning does not.
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

    from newsletter.check._sheet import Sheet
    from newsletter.check._styles import Declared

HTML = "email.html"
TEXT = "email.txt"


class Where(TypedDict):
    """Where in the mail something is wrong."""

    place: str
    line: int | None
    story: str | None


@dataclass(frozen=True)
class Mail:
    """What every check may look at."""

    issue: Issue
    rendered: Rendered
    config: Config
    # What the template uses although some clients do not know it: feature → keys of clients.
    accepted: dict[str, tuple[str, ...]] = field(default_factory=dict)
    # Where a lost picture is named: its address or path → file and line.
    named: dict[str, str] = field(default_factory=dict)

    @cached_property
    def page(self) -> HtmlElement:
        """The HTML part, parsed; an empty one is an empty page."""
        import lxml.html

        html = self.rendered.html
        return lxml.html.document_fromstring(html if html.strip() else "<html></html>")

    def elements(self, path: str) -> list[Any]:
        """The elements of the HTML part that an XPath names."""
        found: list[Any] = self.page.xpath(path)
        return found

    @cached_property
    def texts(self) -> list[str]:
        """The texts of the HTML part, one for each piece, the hidden preheader with them."""
        path = "//body//text()[not(ancestor::style)]"
        return [text for text in map(str, self.page.xpath(path)) if text.strip()]

    @property
    def seen(self) -> Iterator[str]:
        """The texts that a reader sees in the HTML part."""
        for text in self.elements("//body//text()[not(ancestor::style)]"):
            around = text.getparent().getparent() if text.is_tail else text.getparent()
            if text.strip() and not self.is_hidden(around):
                yield str(text)

    def is_hidden(self, element: HtmlElement) -> bool:
        """Whether ``display:none`` hides the element or one around it."""
        from newsletter.check._styles import declared

        return any(
            declared(each.get("style")).get("display") == "none"
            for each in (element, *element.iterancestors())
        )

    @cached_property
    def styled(self) -> list[tuple[HtmlElement, Declared]]:
        """Every element that has a style, with its declarations by property."""
        from newsletter.check._styles import declared

        return [(each, declared(each.get("style"))) for each in self.elements("//*[@style]")]

    @cached_property
    def sheet(self) -> Sheet:
        """The style blocks that are left in the mail."""
        from newsletter.check._sheet import Sheet

        blocks = [block.text or "" for block in self.elements("//style")]
        return Sheet.of(tuple(blocks))

    def where(self, element: HtmlElement) -> Where:
        """The line of an element in email.html, and the story that it belongs to."""
        line = element.sourceline
        for each in (element, *element.iterancestors()):
            name = each.get("id") or ""
            if name.startswith("story-"):
                identity = name.removeprefix("story-")
                return {"place": self._headline(identity), "line": line, "story": identity}
        return {"place": f"{HTML}, line {line}", "line": line, "story": None}

    def _headline(self, identity: str) -> str:
        for story in (*self.issue.stories, *self.issue.missed):
            if story.article.id == identity:
                return f"“{story.headline}”"
        return HTML


def run(mail: Mail) -> tuple[Finding, ...]:
    """Every finding, errors first."""
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
    """A finding that does not."""
    return Finding(Level.WARNING, name, message, remedy, place, line, story)


__all__ = ["HTML", "TEXT", "Iterator", "Mail", "Where", "error", "run", "warning"]
