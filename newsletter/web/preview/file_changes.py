"""Notice every save of a file that an issue is made of."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from watchfiles import awatch

from newsletter import config, issues, render
from newsletter.model import IssueName

LOOK_ANYWAY = 1000  # milliseconds; drives in the network tell nobody of their changes
SETTLE = 50  # milliseconds; an editor's program may write a file in several steps

Stamp = tuple[int, int, int]


@dataclass(frozen=True)
class Watched:
    """The files that an issue is made of, by where they lie."""

    newsroom: Path
    issue: Path
    templates: tuple[Path, ...]
    beside: tuple[Path, ...] = ()

    @classmethod
    def of(cls, newsroom: Path, issue: IssueName, portrait: str | None = None) -> Watched:
        """Those of one issue of the newsletter in the folder ``newsroom``."""
        newsroom = newsroom.resolve()
        templates = {newsroom / "templates", render.packaged_templates().resolve()}
        beside = (newsroom / portrait,) if portrait and "://" not in portrait else ()
        return cls(newsroom, issues.folder_of(newsroom, issue), tuple(sorted(templates)), beside)

    @property
    def configuration(self) -> Path:
        """newsletter.toml."""
        return self.newsroom / config.FILE

    def files(self) -> dict[Path, Stamp]:
        """Every one that exists now, with what tells two versions of it apart.

        The ``build/`` folder is not among them: the program itself writes there.
        """
        own = [self.issue / name for name in ("issue.toml", "note.md", "gathered.json")]
        found = [self.configuration, *own, *self.beside, *_kept(self.issue / "images")]
        for folder in self.templates:
            found += _kept(folder)
        return _stamps(found)

    def folders(self) -> dict[Path, int]:
        """Every folder that such a file may appear in, with what tells a new one from the old."""
        own = (self.newsroom, self.issue.parent, self.issue, self.issue / "images")
        found = {*own, *self.templates, *(path.parent for path in self.beside)}
        for top in (*self.templates, self.issue / "images"):
            found |= {path for path in _kept(top) if path.is_dir()}
        return {path: stamp[2] for path, stamp in _stamps(found).items() if path.is_dir()}


async def changes(
    watched: Callable[[], Watched], seen: dict[Path, Stamp], stop: asyncio.Event
) -> AsyncIterator[set[Path]]:
    """The files that changed since they were ``seen``, after each save, until ``stop``.

    ``watched`` is asked anew each time: a save of newsletter.toml may name another portrait.
    The system only wakes us up; what changed is seen by comparing. So nothing is missed where
    folders come and go, and files that do not matter cause nothing.
    """
    while not stop.is_set():
        folders = watched().folders()
        async for _ in _wakes(folders, stop):
            now = watched().files()
            if now != seen:
                changed = {path for path, _ in now.items() ^ seen.items()}
                seen = now
                yield changed
            if watched().folders() != folders:
                break


async def _wakes(folders: Iterable[Path], stop: asyncio.Event) -> AsyncIterator[None]:
    """A turn whenever something happens in the folders, and now and then anyway."""
    try:
        async for _ in awatch(
            *folders,
            watch_filter=None,
            debounce=SETTLE,
            step=20,
            stop_event=stop,
            rust_timeout=LOOK_ANYWAY,
            yield_on_timeout=True,
            recursive=False,
            ignore_permission_denied=True,
        ):
            yield
    except (OSError, RuntimeError):
        # A folder went away meanwhile, or the system watches no more of them: look by the clock.
        await asyncio.sleep(LOOK_ANYWAY / 1000)
        yield


def _kept(top: Path) -> Iterator[Path]:
    """Everything below a folder, but what editors' programs and systems put there for a while.

    A folder that goes away meanwhile has nothing in it.
    """
    for at, folders, files in os.walk(top):
        folders[:] = filter(_stays, folders)
        yield from (Path(at, name) for name in (*folders, *filter(_stays, files)))


def _stays(name: str) -> bool:
    return not name.startswith((".", "~")) and not name.endswith(("~", ".tmp", ".swp"))


def _stamps(paths: list[Path] | set[Path]) -> dict[Path, Stamp]:
    found = {}
    for path in paths:
        try:
            facts = path.stat()
        except OSError:
            continue  # not there, or not any more
        found[path] = (facts.st_mtime_ns, facts.st_size, facts.st_ino)
    return found
