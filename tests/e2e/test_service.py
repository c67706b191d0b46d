"""``newsletter run`` as a service does it: a look at once, then it waits, and ends when told."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from tests.newsroom import Newsroom


def test_run_does_what_is_due_at_once_and_ends_on_sigterm(newsroom: Newsroom) -> None:
    zone = ZoneInfo("America/Los_Angeles")
    due = datetime.now(zone) - timedelta(minutes=30)
    later = due + timedelta(days=3)
    newsroom.configure(f'\n[schedule]\ngather = "mon-sun {due:%H:%M}"\nsend = "{later:%a} 12:00"\n')
    process = subprocess.Popen(
        [sys.executable, "-m", "newsletter.cli", "-C", str(newsroom.folder), "run"],
        env=newsroom.whole_environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 20
        issues = newsroom.folder / "issues"
        while time.monotonic() < deadline and not list(issues.glob("*/build/email.json")):
            time.sleep(0.1)
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=20)[1]
    finally:
        process.kill()
    assert process.returncode == 0, said
    assert "Running The Weekly Test (America/Los_Angeles)" in said
    assert "done: 3 articles, 3 stories; a test went to editor@example.com" in said
    assert "Stopped." in said
    assert "Traceback" not in said
    assert len(list((newsroom.folder / "outbox" / "tests").glob("*.eml"))) == 1
    assert newsroom.run("tick").stdout.strip() == "Nothing is due."


def test_tick_fails_when_its_work_failed(newsroom: Newsroom) -> None:
    zone = ZoneInfo("America/Los_Angeles")
    due = datetime.now(zone) - timedelta(minutes=30)
    later = due + timedelta(days=3)
    newsroom.configure(f'\n[schedule]\ngather = "mon-sun {due:%H:%M}"\nsend = "{later:%a} 12:00"\n')
    newsroom.write("feed.xml", "no feed")
    assert "No source could be read" in newsroom.run("tick", status=1).stdout
    found = newsroom.json("status")
    assert found["occurrences"][0]["state"] == "waiting"
