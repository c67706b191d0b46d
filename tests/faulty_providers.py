"""Providers from outside the package: one is killed in mid-request, one is broken, one lingers."""

from __future__ import annotations

import atexit
import os
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from newsletter.config import ProviderOptions
from newsletter.model import Answer, Outcome, Recipient, Send


class HangingProvider:
    """Takes the first batch, and dies within the second as a machine does without power."""

    Options: ClassVar[type[ProviderOptions]] = ProviderOptions

    def __init__(self, options: ProviderOptions, folder: Path) -> None:
        self.batch_size = options.batch_size or 1
        self._requests = 0

    def submit(self, send: Send, batch: Sequence[Recipient]) -> Outcome:
        self._requests += 1
        if self._requests == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return Outcome.all(batch, Answer.ACCEPTED)


class Trap(int):
    """A number by which nothing can be divided."""

    def __rfloordiv__(self, other: int) -> int:
        raise RuntimeError("a bug")


class BrokenProvider(HangingProvider):
    """Fails in a way that nobody foresaw."""

    def __init__(self, options: ProviderOptions, folder: Path) -> None:
        super().__init__(options, folder)
        self.batch_size = Trap(1)


class LingeringProvider(HangingProvider):
    """Has something left to do when the program ends: in a thread, and at the exit."""

    def __init__(self, options: ProviderOptions, folder: Path) -> None:
        super().__init__(options, folder)
        self._note = folder / "lingered"
        atexit.register(lambda: self._write("then at the exit"))
        threading.Thread(target=self._linger).start()

    def _linger(self) -> None:
        time.sleep(0.5)
        self._write("by a thread, ")

    def _write(self, words: str) -> None:
        with self._note.open("a", encoding="utf-8") as note:
            note.write(words)
