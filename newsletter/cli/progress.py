"""How far long work is: a bar on a terminal, a line now and then elsewhere; and how to stop it."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from newsletter.cli.common import note


def sending(total: int) -> AbstractContextManager[Any]:
    """What is to be fed with the numbers of a receipt while a send goes on."""
    return _Bar(total) if sys.stderr.isatty() else nullcontext(_Lines())


@contextmanager
def until_stopped(stop: threading.Event) -> Iterator[None]:
    """SIGTERM or Ctrl-C sets ``stop``: what is under way is answered. A second one ends at once."""

    def on_signal(number: int, _: object) -> None:
        if stop.is_set():
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        stop.set()
        note("Stopping: what is under way is answered first. Once more ends it at once.")

    before = {n: signal.signal(n, on_signal) for n in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def asking() -> Iterator[None]:
    """Ctrl-C is answered while publishers are asked; a second one ends it at once."""

    def on_signal(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        note("Stopping: what was asked for is waited for, some seconds. Once more ends it at once.")
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Lines:
    """A line whenever the numbers have changed."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def __call__(self, numbers: dict[str, int]) -> None:
        if numbers != self._last:
            self._last = numbers
            said = (f"{n:,} {state.replace('_', ' ')}" for state, n in numbers.items() if n)
            note(", ".join(said))


class _Bar:
    """Rich's progress bar: how many are settled, how many a second, how long it may take."""

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
        return self.report

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def report(self, numbers: dict[str, int]) -> None:
        total = sum(numbers.values())
        speed = self._progress.tasks[0].speed
        self._progress.update(
            self._task,
            completed=total - numbers.get("waiting", 0),
            total=total,
            rate=f"{speed:,.0f} a second" if speed else "",
        )
