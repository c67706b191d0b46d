"""Look at a built mail before it goes anywhere: small checks, a file per family → findings.

A check is a module with a function ``check(mail: Mail) -> Iterator[Finding]``; adding a file adds
a check. An error stops a send, a warning does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from newsletter import registry
from newsletter.config import Config
from newsletter.model import Finding, Issue, Level, Rendered

if TYPE_CHECKING:
    from lxml.html import HtmlElement


@dataclass(frozen=True)
class Mail:
    """What every check may look at."""

    issue: Issue
    rendered: Rendered
    config: Config

    @cached_property
    def page(self) -> HtmlElement:
        """The HTML part, parsed."""
        import lxml.html

        return lxml.html.document_fromstring(self.rendered.html)

    def elements(self, path: str) -> list[Any]:
        """The elements of the HTML part that an XPath names."""
        found: list[Any] = self.page.xpath(path)
        return found

    @cached_property
    def texts(self) -> list[str]:
        """The texts that a reader sees in the HTML part, one for each piece."""
        path = "//body//text()[not(ancestor::style)]"
        return [text for text in map(str, self.page.xpath(path)) if text.strip()]


def run(mail: Mail) -> tuple[Finding, ...]:
    """Every finding, errors first."""
    found = [finding for module in registry.modules(__name__) for finding in module.check(mail)]
    return tuple(sorted(found, key=lambda finding: finding.level is not Level.ERROR))


def error(name: str, message: str, remedy: str, place: str | None = None) -> Finding:
    """A finding that stops the send."""
    return Finding(Level.ERROR, name, message, remedy, place)


def warning(name: str, message: str, remedy: str, place: str | None = None) -> Finding:
    """A finding that does not."""
    return Finding(Level.WARNING, name, message, remedy, place)


__all__ = ["Iterator", "Mail", "error", "run", "warning"]
