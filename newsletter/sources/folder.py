"""A folder of saved articles: ``.txt`` as the newspaper's site is saved, and ``.html`` pages.

A person put them there for the issue, so they need no date.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar

from newsletter import foreign
from newsletter.config import SourceOptions
from newsletter.errors import FetchError
from newsletter.model import Article, Window
from newsletter.sources import Surroundings, _page, _saved
from newsletter.sources._identity import identity

log = logging.getLogger(__name__)

_ENCODINGS = ("utf-8-sig", "cp949", "latin-1")


class FolderOptions(SourceOptions):
    """``path``: the folder, beside newsletter.toml."""

    path: str


class FolderSource:
    """One folder; files of other kinds in it are passed over."""

    Options: ClassVar[type[SourceOptions]] = FolderOptions

    def __init__(self, options: SourceOptions, around: Surroundings) -> None:
        if not isinstance(options, FolderOptions):
            raise TypeError("a folder needs FolderOptions")
        self._options = options
        self._around = around

    def fetch(self, window: Window) -> Iterable[Article]:  # noqa: ARG002 - files have no window
        """Every article in the folder, by file name."""
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
                article = self._saved(path, data) if kind == ".txt" else self._page(path, data)
            except (OSError, ValueError) as error:
                log.warning("%s was passed over, it cannot be read: %s", path, error)
                continue
            if article.title:
                yield article
            else:
                log.warning("%s was passed over: it has no headline.", path)

    def _saved(self, path: Path, data: bytes) -> Article:
        page = _saved.read(_decoded(data))
        return Article(
            id=identity(self._options.path, path.name),
            title=foreign.one_line(page.title),
            source=self._options.path,
            authors=tuple(foreign.one_line(name, 100) for name in page.authors),
            byline_email=page.byline_email,
            caption=foreign.one_line(page.caption or "", None) or None,
            credit=foreign.one_line(page.credit or "", 100) or None,
            blurb=foreign.blurb(" ".join(page.body)),
            section=self._options.section,
            page=page.page,
            needs_date=False,
        )

    def _page(self, path: Path, data: bytes) -> Article:
        if not data.strip():
            raise ValueError("the file is empty")
        facts = _page.read(data, self._around.zone)
        place = (foreign.canonical(facts.url),) if facts.url else (self._options.path, path.name)
        return Article(
            id=identity(*place),
            title=facts.title,
            source=self._options.path,
            url=facts.url,
            authors=facts.authors,
            published=facts.published,
            image=facts.image,
            caption=facts.caption or None,
            credit=facts.credit or None,
            blurb=facts.blurb,
            language=facts.language,
            section=self._options.section,
            needs_date=False,
        )


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    for encoding in _ENCODINGS:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("utf-8", errors="replace")
