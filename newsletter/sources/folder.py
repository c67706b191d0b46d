"""A folder of saved articles: ``.txt`` as the newspaper's site is saved, and ``.html`` pages.

A person put them there for the issue, so they need no date.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from html import escape
from pathlib import Path

from newsletter import sanitize
from newsletter.config import SourceOptions
from newsletter.errors import FetchError
from newsletter.model import Article, EditorBox, Page, Window
from newsletter.sources import (
    Facts,
    Surroundings,
    _article_page,
    _encoding,
    _saved_text,
    article,
    article_id,
)

log = logging.getLogger(__name__)

_ENOUGH = 80  # characters; a first paragraph that is shorter is shown with the next


class FolderSource:
    """One folder; files of other kinds in it are passed over."""

    class Options(SourceOptions):
        """``path``: the folder, beside newsletter.toml."""

        path: str

    def __init__(self, options: Options, around: Surroundings) -> None:
        self._options = options
        self._around = around
        self._zone = around.zone_of(options)

    def fetch(self, window: Window) -> Iterable[Article]:  # noqa: ARG002 - files have no window
        """Every article in the folder, by file name; FetchError when there is no such folder."""
        folder = self._around.folder / self._options.path
        try:
            files = sorted(path for path in folder.iterdir() if path.is_file())
        except OSError as error:
            raise FetchError(
                f"The folder {folder} cannot be read: {error.strerror}; make it, or mend path in "
                f"newsletter.toml."
            ) from None
        return list(self._articles(files))

    def _articles(self, files: list[Path]) -> Iterator[Article]:
        for path in files:
            kind = path.suffix.lower()
            if kind not in {".txt", ".html", ".htm"}:
                continue
            try:
                data = path.read_bytes()
                id_, facts = self._text(path, data) if kind == ".txt" else self._page(path, data)
            except (OSError, ValueError) as error:
                log.warning("%s was passed over, it cannot be read: %s", path, error)
                continue
            if facts.title:
                yield article(self._options, id_, facts, needs_date=False)
            else:
                log.warning("%s was passed over: it has no headline.", path)

    def _text(self, path: Path, data: bytes) -> tuple[str, Facts]:
        text = _encoding.decoded(data)
        if "\0" in text:
            raise ValueError("it is not a text")
        page = _saved_text.read(text)
        return article_id(self._options.path, path.name), Facts(
            title=sanitize.one_line(page.title),
            authors=tuple(sanitize.one_line(name, 100) for name in page.authors),
            byline_email=sanitize.one_line(page.byline_email or "") or None,
            caption=sanitize.one_line(page.caption or "", 1000),
            credit=sanitize.one_line(page.credit or "", 100),
            blurb=sanitize.blurb(escape(_first_words(page.body))),
            page=_harmless(page.page),
        )

    def _page(self, path: Path, data: bytes) -> tuple[str, Facts]:
        if not data.strip():
            raise ValueError("the file is empty")
        facts = _article_page.read(data, self._zone)
        place = (sanitize.canonical(facts.url),) if facts.url else (self._options.path, path.name)
        return article_id(*place), facts


def _first_words(body: list[str]) -> str:
    """The first paragraph, with the next where it is short."""
    text = ""
    for paragraph in body:
        text = f"{text} {paragraph}".strip()
        if len(text) >= _ENOUGH:
            break
    return text


def _harmless(page: Page) -> Page:
    line, box = page.dateline, page.editor
    return replace(
        page,
        dateline=line and replace(line, city=sanitize.one_line(line.city or "") or None),
        editor=box and EditorBox(sanitize.one_line(box.name), sanitize.one_line(box.bio, None)),
    )
