"""A million lines of CSV: our import against the least there is to do.

The least is to read the lines with csv.reader and to insert them with executemany, in one
transaction, into a table without any index: nothing is validated, merged or looked up.
"""

from __future__ import annotations

import csv
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LINES = 1_000_000
FEW = 20_000
_CONFIG = """\
[newsletter]
name = "Bench"
from = "Bench <bench@example.com>"
address = "1 Example Street, Los Angeles, CA 90001"
[[sources]]
type = "folder"
path = "articles"
"""


def measure() -> tuple[float, float, float, float]:
    """Seconds of the least, and of ours; MB of memory at ours' peak, and at that of a small one."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        many = _list(folder / "many.csv", LINES)
        least = min(_least(many, folder / f"least{run}.db") for run in range(2))
        _, small = _ours(_list(folder / "few.csv", FEW), folder / "few")
        ours, peak = min(_ours(many, folder / f"ours{run}") for run in range(2))
    return least, ours, peak, small


def _list(path: Path, lines: int) -> Path:
    """Made-up readers, every hundredth of them twice, one in fifty unsubscribed."""
    chance = random.Random(lines)
    names = ("Ada Lovelace", "Seoyeon Kim", "José Peña", "Jürgen Groß", "김서연", "")
    with path.open("w", encoding="utf-8") as file:
        file.write("Email Address,Name,Status\n")
        for number in range(lines):
            who = number if number % 100 else chance.randrange(lines)
            place = f"mail{who % 5_000}.example.com"
            status = "subscribed" if who % 50 else "unsubscribed"
            file.write(f"Reader.{who * 7_919}@{place},{names[who % len(names)]},{status}\n")
    return path


def _least(path: Path, database: Path) -> float:
    start = time.perf_counter()
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("BEGIN")
    connection.execute("CREATE TABLE people (email TEXT, name TEXT, status TEXT)")
    with path.open(encoding="utf-8", newline="") as file:
        connection.executemany("INSERT INTO people VALUES (?, ?, ?)", csv.reader(file))
    connection.execute("COMMIT")
    connection.close()
    return time.perf_counter() - start


def _ours(path: Path, folder: Path) -> tuple[float, float]:
    """The command as people run it, with all its time, and the most memory that it took."""
    folder.mkdir()
    (folder / "newsletter.toml").write_text(_CONFIG, encoding="utf-8")
    command = ("-m", "newsletter.cli", "-C", str(folder), "subscribers", "import", str(path))
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"the import of {path} ended with {process.returncode}")
    return seconds, usage.ru_maxrss / 1024
