"""What the tests of the service share: ``newsletter run`` as a process, with its log and health."""

from __future__ import annotations

import contextlib
import json
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any
from zoneinfo import ZoneInfo

from tests import zygote
from tests.forked import Forked
from tests.newsroom import Newsroom
from tests.patient import PATIENCE

ZONE = ZoneInfo("America/Los_Angeles")


@dataclass
class Running:
    """A service that runs; its log is JSON."""

    process: subprocess.Popen[str] | Forked
    log: Path

    def text(self) -> str:
        """All that it has said so far."""
        return self.log.read_text(encoding="utf-8")

    def lines(self) -> list[dict[str, str]]:
        """The lines of its log, those that are whole."""
        return [
            json.loads(line) for line in self.text().splitlines(keepends=True) if line[-1:] == "\n"
        ]

    def said(self, word: str) -> list[dict[str, str]]:
        """The lines whose message holds the word."""
        return [line for line in self.lines() if word in line["message"]]

    @property
    def url(self) -> str:
        """Where it answers about its health."""
        until(lambda: bool(self.said("/healthz is answered on")), self.text)
        return self.said("/healthz is answered on")[0]["message"].rpartition(" ")[2]

    def health(self) -> tuple[int, Any]:
        """The status and the document of /healthz."""
        try:
            with urllib.request.urlopen(self.url, timeout=PATIENCE) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def stop(self) -> str:
        """SIGTERM; it ends with 0. All that it said."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(PATIENCE) == 0, self.text()
        said = self.text()
        assert "Traceback" not in said, said
        return said

    def resident(self) -> int:
        """The memory that it has in use now, in bytes."""
        return int(self._status("VmRSS").split()[0]) * 1024

    def _status(self, name: str) -> str:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(line for line in status.splitlines() if line.startswith(name)).split(":")[1]


@contextlib.contextmanager
def service(
    *rooms: Newsroom, command: bool = False, stuck: float = 1800, most: int = 8, **environment: str
) -> Iterator[Running]:
    """The service for these newsletters; ``command``: as people start it, a check a minute."""
    folders = [str(room.folder) for room in rooms]
    given = {**rooms[0].whole_environment(), **environment}
    path = rooms[0].folder / f"run-{secrets.token_hex(4)}.log"
    with path.open("a", encoding="utf-8") as log:
        process = (_slow if command else _quick)(folders, given, log, stuck, most)
    try:
        yield Running(process, path)
    finally:
        process.kill()
        process.wait()


def _slow(
    folders: list[str], environment: dict[str, str], log: IO[str], *_: float
) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "newsletter.cli", "run", "--health", "0", "--log", "json"]
    return subprocess.Popen([*command, *folders], env=environment, stderr=log, text=True)


def _quick(
    folders: list[str], environment: dict[str, str], log: IO[str], stuck: float, most: int
) -> Forked:
    return zygote.start(
        [str(stuck), str(most), *folders],
        environment,
        program="tests.e2e.quick_service",
        stdout=subprocess.DEVNULL,
        stderr=log,
    )


def until(
    condition: Callable[[], bool], said: Callable[[], str], seconds: float = PATIENCE
) -> None:
    """Wait for it; where it does not come about, ``said`` may tell why."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, said()
        time.sleep(0.05)


def due(kind: str, minutes: int = 30) -> str:
    """A ``[schedule]`` in which only that kind of moment was due, so many minutes ago."""
    then = datetime.now(ZONE) - timedelta(minutes=minutes)
    other = then + timedelta(days=3)
    times = {kind: f"mon-sun {then:%H:%M}"}
    if kind == "send":
        times["gather"] = f"{other:%a} {then:%H:%M}"
    else:
        times["send"] = f"{other:%a} 12:00"
    return "\n[schedule]\n" + "".join(f'{name} = "{at}"\n' for name, at in times.items())
