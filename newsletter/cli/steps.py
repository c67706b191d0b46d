"""How far long work has come: a bar on a terminal, a line for each step elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from newsletter.cli.common import note

QUICK = 1.0  # seconds of work of which nobody needs to hear

Watch = Callable[[str, float | None], None]


@contextmanager
def steps() -> Iterator[Watch]:
    """A function that takes what is being done, and how much of it (0 to 1, None: who knows)."""
    if sys.stderr.isatty():
        yield from _bar()
    else:
        yield _lines()


def _lines() -> Watch:
    said: set[str] = set()
    start = time.monotonic()

    def tell(what: str, _: float | None) -> None:
        if what not in said and time.monotonic() - start > QUICK:
            said.add(what)
            note(f"{what} …")

    return tell


def _bar() -> Iterator[Watch]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(
        *columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True
    ) as progress:
        task = progress.add_task("", total=1.0, visible=False)

        def tell(what: str, share: float | None) -> None:
            total = None if share is None else 1.0
            progress.update(task, description=what, completed=share or 0, total=total, visible=True)

        yield tell
