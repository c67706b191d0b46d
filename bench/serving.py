"""``newsletter run`` while nothing is due: the processor time of a check, the memory, the start."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from functools import partial
from pathlib import Path

STARTS = 5
CHECKS, INTERVAL = 30, 1.0  # seconds between two: long enough for the processor's caches to cool
SETTLED = 10  # seconds until the first tick is over
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
    """The figures of an idle service with one newsletter and its database on the disk."""

    idle: float
    """Seconds of processor time for a check, of which there is one a minute."""
    start: float
    """Seconds until the first pass is over and /healthz says that all is well."""
    resident: int
    """Bytes of memory."""


def measure() -> Measured:
    """Start the service several times, then leave one alone."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "newsletter.toml").write_text(_CONFIG, encoding="utf-8")
        starts = [_start(folder) for _ in range(STARTS)]
        idle = _idle(folder)
    start = statistics.median(seconds for seconds, _ in starts)
    return Measured(idle, start, max(resident for _, resident in starts))


def _start(folder: Path) -> tuple[float, int]:
    """Until the first pass is over and /healthz says that all is well; and the memory then."""
    command = (sys.executable, "-m", "newsletter.cli", "run", str(folder), "--health", "0")
    start = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        url = next(
            line.split()[-1] for line in process.stderr or () if "/healthz is answered" in line
        )
        while True:
            with urllib.request.urlopen(url) as answer:
                status = json.load(answer)["newsletters"][0]
            if status["passes"] and not status["at_work"]:
                break
            time.sleep(0.005)
        seconds = time.perf_counter() - start
        memory = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    finally:
        process.terminate()
        process.communicate()
    line = next(line for line in memory.splitlines() if line.startswith("VmRSS"))
    return seconds, int(line.split()[1]) * 1024


def _idle(folder: Path) -> float:
    """Seconds of processor time for one check, with all that goes on beside it."""
    command = [sys.executable, "-m", "bench.serving", str(folder)]
    with subprocess.Popen(
        command, stderr=subprocess.DEVNULL, cwd=Path(__file__).parents[1]
    ) as idle:
        try:
            time.sleep(SETTLED)
            before = _processor_time(idle.pid)
            time.sleep(CHECKS * INTERVAL)
            return (_processor_time(idle.pid) - before) / CHECKS
        finally:
            idle.terminate()


def _processor_time(process: int) -> float:
    """Seconds that its threads have run so far; the ticks that it has started are not in it."""
    tasks = Path(f"/proc/{process}/task").glob("*/schedstat")
    return sum(int(task.read_text(encoding="ascii").split()[0]) for task in tasks) / 1e9


def main() -> None:
    """The service with a check every second: so many of them cost what as many minutes cost."""
    from newsletter.app.service import run
    from newsletter.web.health import serve

    run.run([Path(sys.argv[1])], listen=partial(serve, 0), interval=INTERVAL)


if __name__ == "__main__":
    main()
