"""``newsletter run`` while nothing is due: a look, the memory that stays in use, and the start."""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

LOOKS = 30
STARTS = 5
_CONFIG = """\
[newsletter]
name = "Bench"
from = "Bench <bench@example.com>"
address = "1 Example Street, Los Angeles, CA 90001"
timezone = "America/Los_Angeles"
[[sources]]
type = "feed"
url = "https://www.example.com/feed/"
"""


@dataclass(frozen=True)
class Measured:
    """Seconds, and bytes of memory. ``look``: a whole one with its process, its reading of the
    configuration and its opening of the database.
    """

    look: float
    start: float
    resident: int


def measure() -> Measured:
    """Medians, with a database on the disk."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "newsletter.toml").write_text(_CONFIG, encoding="utf-8")
        starts = [_start(folder) for _ in range(STARTS)]
        look = _look(folder)
    start = statistics.median(seconds for seconds, _ in starts)
    return Measured(look, start, max(resident for _, resident in starts))


def _start(folder: Path) -> tuple[float, int]:
    """Until the first look is over and /healthz says that all is well; and the memory then."""
    command = (sys.executable, "-m", "newsletter.cli", "run", str(folder), "--health", "0")
    start = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        url = next(
            line.split()[-1] for line in process.stderr or () if "/healthz is answered" in line
        )
        while True:
            with urllib.request.urlopen(url) as answer:
                said = answer.read()
            if answer.status == 200 and b'"at_work": false' in said and b'"looks": 0' not in said:
                break
            time.sleep(0.005)
        seconds = time.perf_counter() - start
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    finally:
        process.terminate()
        process.communicate()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return seconds, int(line.split()[1]) * 1024


def _look(folder: Path) -> float:
    from newsletter.app.clock.timetable_pass import look

    look(folder, threading.Event())  # as in the service, everything is imported before
    gc.collect()
    gc.freeze()

    def forked() -> None:
        if (child := os.fork()) == 0:
            look(folder, threading.Event())
            os._exit(0)
        os.waitpid(child, 0)

    looks = [_timed(forked) for _ in range(LOOKS)]
    gc.unfreeze()
    return statistics.median(looks)


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
