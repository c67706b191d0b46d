"""``newsletter run`` with checks every half second: nobody wants to wait a minute in a test."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from newsletter.app import logs
from newsletter.app.service import run
from newsletter.web.health import serve


def main() -> None:
    """After how many seconds a tick is stuck, how many may be under way, and the folders."""
    logs.start("json")
    stuck, most = float(sys.argv[1]), int(sys.argv[2])
    folders = [Path(folder) for folder in sys.argv[3:]]
    run.run(folders, "json", partial(serve, 0), 0.5, stuck, most)
