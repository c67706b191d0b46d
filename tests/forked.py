"""A program that was forked, as tests hold one: what they use of ``subprocess.Popen``."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import TextIO


@dataclass
class Forked:
    """A program under way; ``answers`` brings its exit status."""

    arguments: list[str]
    pid: int
    answers: socket.socket
    stdin: TextIO | None = None
    stdout: TextIO | None = None
    stderr: TextIO | None = None
    returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit status, or minus the signal that ended it; None while it runs."""
        with contextlib.suppress(BlockingIOError, subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            self.answers.settimeout(timeout)
            try:
                self.returncode = int(self.answers.recv(100))
            except TimeoutError:
                raise subprocess.TimeoutExpired(self.arguments, timeout or 0) from None
            self.answers.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            # It may have ended just now: whoever started it hears of that in a moment.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Read both streams to their ends, and wait for its own."""
        if self.stdin:
            self.stdin.close()
        said = {"stdout": "", "stderr": ""}

        def read(name: str, stream: TextIO) -> None:
            with stream:
                said[name] = stream.read()

        readers = [
            threading.Thread(target=read, args=(name, stream), daemon=True)
            for name in said
            if (stream := getattr(self, name)) and not stream.closed
        ]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(timeout)
            if reader.is_alive():
                raise subprocess.TimeoutExpired(self.arguments, timeout or 0)
        self.wait(timeout)
        return said["stdout"], said["stderr"]

    def __enter__(self) -> Forked:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream:
                stream.close()
        self.wait()
