"""A tick when nothing is due."""

from __future__ import annotations

import statistics
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

YEAR = 365
RUNS = 200
NOW = datetime(2025, 7, 9, 12, tzinfo=UTC)


def measure(folder: Path) -> float:
    """Seconds of one tick, a year after the first; the median of many."""
    from newsletter import schedule
    from newsletter.app import open_desk
    from newsletter.app.clock.tick import tick
    from newsletter.store import occurrences
    from newsletter.store.occurrences import DueMoment, OccurrenceState

    desk = open_desk(folder, lambda: NOW)
    start = NOW - timedelta(days=YEAR)
    past = schedule.due(desk.config.schedule, desk.config.zone, start, NOW)
    with desk.database.begin() as connection:
        for each in past:
            due = DueMoment(desk.name, each.kind, each.day, each.issue, each.utc)
            occurrences.close(connection, due, OccurrenceState.DONE, each.utc, "it was sent")
    times = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        done = tick(desk)
        times.append(time.perf_counter() - begin)
        assert not done
    desk.close()
    return statistics.median(times)
