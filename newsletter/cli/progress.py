"""Progress of long work (a bar on a terminal, lines elsewhere), and stopping it."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from newsletter.cli.output import note

QUIET = 1.0  # seconds of work before a step is printed

Steps = Callable[[str, float | None], None]  # the step, and how far it is: 0 to 1, or unknown


@contextmanager
def until_stopped(stop: threading.Event) -> Iterator[None]:
    """SIGTERM or Ctrl-C sets ``stop``, so that open requests finish; a second one ends at once."""

    def on_signal(number: int, _: object) -> None:
        if stop.is_set():
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        stop.set()
        note("Stopping after the open requests. Press Ctrl-C again to end at once.")

    previous = {n: signal.signal(n, on_signal) for n in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C stops work that waits for publishers; a second one ends at once."""

    def on_signal(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        note("Stopping after the open requests, some seconds. Press Ctrl-C again to end at once.")
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGINT, on_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


def sending(total: int) -> AbstractContextManager[Any]:
    """A function that takes the numbers of a receipt while a send runs."""
    return _SendBar(total) if sys.stderr.isatty() else nullcontext(_SendLines())


@contextmanager
def steps() -> Iterator[Steps]:
    """A function that takes the current step of long work."""
    if sys.stderr.isatty():
        yield from _step_bar()
    else:
        yield _step_lines()


class _SendLines:
    """Prints the numbers whenever they change."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def __call__(self, numbers: dict[str, int]) -> None:
        if numbers != self._last:
            self._last = numbers
            parts = (f"{n:,} {state.replace('_', ' ')}" for state, n in numbers.items() if n)
            note(", ".join(parts))


class _SendBar:
    """A bar with the settled readers, the speed and the time left."""

    def __init__(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeRemainingColumn as TimeLeft

        columns = (
            "Sending",
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeLeft(),
        )
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task("send", total=total or None, rate="")

    def __enter__(self) -> Any:
        self._progress.start()
        return self._update

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def _update(self, numbers: dict[str, int]) -> None:
        total = sum(numbers.values())
        speed = self._progress.tasks[0].speed
        self._progress.update(
            self._task,
            completed=total - numbers.get("waiting", 0),
            total=total,
            rate=f"{speed:,.0f} a second" if speed else "",
        )


def _step_lines() -> Steps:
    printed: set[str] = set()
    start = time.monotonic()

    def update(step: str, _: float | None) -> None:
        if step not in printed and time.monotonic() - start > QUIET:
            printed.add(step)
            note(f"{step} …")

    return update


def _step_bar() -> Iterator[Steps]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(
        *columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True
    ) as progress:
        task = progress.add_task("", total=1.0, visible=False)

        def update(step: str, share: float | None) -> None:
            total = None if share is None else 1.0
            progress.update(task, description=step, completed=share or 0, total=total, visible=True)

        yield update
