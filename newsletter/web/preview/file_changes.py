"""Notice every save of the files that make up an issue."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from watchfiles import awatch

from newsletter import config, issues, render
from newsletter.model import IssueName

POLL = 1000  # milliseconds; network drives report no changes
SETTLE = 50  # milliseconds; an editing program may save a file in several steps

Stamp = tuple[int, int, int]  # modification time (ns), size, inode


@dataclass(frozen=True)
class IssueFiles:
    """The files that make up an issue."""

    newsroom: Path
    issue: Path
    templates: tuple[Path, ...]
    beside: tuple[Path, ...] = ()

    @classmethod
    def of(cls, newsroom: Path, issue: IssueName, portrait: str | None = None) -> IssueFiles:
        """The files of one issue of the newsletter in the folder ``newsroom``."""
        newsroom = newsroom.resolve()
        templates = {newsroom / "templates", render.packaged_templates().resolve()}
        beside = (newsroom / portrait,) if portrait and "://" not in portrait else ()
        return cls(newsroom, issues.folder_of(newsroom, issue), tuple(sorted(templates)), beside)

    @property
    def configuration(self) -> Path:
        """newsletter.toml."""
        return self.newsroom / config.FILE

    def files(self) -> dict[Path, Stamp]:
        """Every file that exists now, with a stamp that changes when it does.

        ``build/`` is left out, because the program itself writes there.
        """
        own = [self.issue / name for name in ("issue.toml", "note.md", "gathered.json")]
        paths = [self.configuration, *own, *self.beside, *_contents(self.issue / "images")]
        for folder in self.templates:
            paths += _contents(folder)
        return _stamps(paths)

    def folders(self) -> dict[Path, int]:
        """Every folder in which such a file may appear, with its inode."""
        own = (self.newsroom, self.issue.parent, self.issue, self.issue / "images")
        paths = {*own, *self.templates, *(path.parent for path in self.beside)}
        for top in (*self.templates, self.issue / "images"):
            paths |= {path for path in _contents(top) if path.is_dir()}
        return {path: stamp[2] for path, stamp in _stamps(paths).items() if path.is_dir()}


async def changes(
    issue_files: Callable[[], IssueFiles], seen: dict[Path, Stamp], stop: asyncio.Event
) -> AsyncIterator[set[Path]]:
    """The files that changed since ``seen``, after each save, until ``stop``.

    ``issue_files`` is called each time, because newsletter.toml may name another portrait. The
    system only wakes us; comparing stamps finds the changes. So nothing is missed when folders come
    and go, and unrelated files cause nothing.
    """
    while not stop.is_set():
        folders = issue_files().folders()
        async for _ in _wakes(folders, stop):
            current = issue_files().files()
            if current != seen:
                changed = {path for path, _ in current.items() ^ seen.items()}
                seen = current
                yield changed
            if issue_files().folders() != folders:
                break


async def _wakes(folders: Iterable[Path], stop: asyncio.Event) -> AsyncIterator[None]:
    """Yields whenever something happens in the folders, and at every poll."""
    try:
        async for _ in awatch(
            *folders,
            watch_filter=None,
            debounce=SETTLE,
            step=20,
            stop_event=stop,
            rust_timeout=POLL,
            yield_on_timeout=True,
            recursive=False,
            ignore_permission_denied=True,
        ):
            yield
    except (OSError, RuntimeError):
        # A folder has gone, or the system cannot watch more of them: poll instead.
        await asyncio.sleep(POLL / 1000)
        yield


def _contents(top: Path) -> Iterator[Path]:
    """Everything below a folder except temporary files; nothing if the folder has gone."""
    for folder, subfolders, files in os.walk(top):
        subfolders[:] = filter(_is_lasting, subfolders)
        yield from (Path(folder, name) for name in (*subfolders, *filter(_is_lasting, files)))


def _is_lasting(name: str) -> bool:
    return not name.startswith((".", "~")) and not name.endswith(("~", ".tmp", ".swp"))


def _stamps(paths: list[Path] | set[Path]) -> dict[Path, Stamp]:
    stamps = {}
    for path in paths:
        try:
            stat = path.stat()
        except OSError:
            continue  # missing
        stamps[path] = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
    return stamps
