"""A process that looks at the timetable when it is told what time it is: see test_many_looks."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from newsletter.app import open_desk
from newsletter.app.clock.tick import tick


def main() -> None:
    """For each moment on standard input one look, and what it did on standard output."""
    now = datetime.now(UTC)
    desk = open_desk(Path(sys.argv[1]), lambda: now)
    print("ready", flush=True)
    for line in sys.stdin:
        now = datetime.fromisoformat(line.strip())
        done = [(each.kind, str(each.issue), each.state, each.message) for each in tick(desk)]
        print(json.dumps(done), flush=True)
    desk.close()
