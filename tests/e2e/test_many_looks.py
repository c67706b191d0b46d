"""Three processes look at one timetable at the same moments, over a change of the clock."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from email import message_from_bytes

import pytest

from tests import zygote
from tests.forked import Forked
from tests.newsroom import CONFIG, Newsroom, feed
from tests.patient import PATIENCE

QUARTER = timedelta(minutes=15)


@contextmanager
def watching(room: Newsroom, count: int) -> Iterator[list[Forked]]:
    processes = [
        zygote.start(
            [str(room.folder)],
            room.whole_environment(),
            program="tests.ticking_process",
            stdin=subprocess.PIPE,
        )
        for _ in range(count)
    ]
    try:
        yield processes
        for process in processes:
            assert process.stdin
            process.stdin.close()
            assert process.wait(PATIENCE) == 0
    finally:
        for process in processes:
            process.kill()
            with process:  # closes its pipes, and waits
                pass


@pytest.mark.parametrize(
    ("night", "times"),
    [
        ("2025-11-02", 'gather = "sun 01:15"\nsend = "sun 01:30"'),  # comes twice
        ("2026-03-08", 'gather = "sun 02:15"\nsend = "sun 02:30"'),  # does not come
    ],
)
def test_one_gather_and_one_send(
    newsroom: Newsroom, database_url: str, night: str, times: str
) -> None:
    newsroom.environment["DATABASE_URL"] = database_url
    newsroom.write("newsletter.toml", f'{CONFIG}\n[schedule]\napproval = "automatic"\n{times}\n')
    midnight = datetime.fromisoformat(f"{night}T08:00+00:00")
    newsroom.write("feed.xml", feed(["One", "Two"], midnight - QUARTER))
    readers = newsroom.subscribe(7)
    done: Counter[tuple[str, str, str]] = Counter()
    with watching(newsroom, 3) as processes:
        for process in processes:
            assert process.stdout
            assert process.stdout.readline() == "ready\n"
        for step in range(20):
            for process in processes:
                assert process.stdin
                process.stdin.write(f"{(midnight + step * QUARTER).isoformat()}\n")
                process.stdin.flush()
            for process in processes:
                assert process.stdout
                found = json.loads(process.stdout.readline())
                done.update((kind, issue, state) for kind, issue, state, _ in found)
    assert done == {("gather", night, "done"): 1, ("send", night, "done"): 1}
    mails = (newsroom.folder / "outbox" / night).glob("*.eml")
    assert sorted(str(message_from_bytes(m.read_bytes())["To"]) for m in mails) == readers
