"""When the service starts something, whatever is done to the machine's clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
import time_machine
from apscheduler.executors.debug import DebugExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from newsletter.app.service.run import JOBS, catch_up
from newsletter.app.service.triggers import Every, Timetable
from newsletter.config import Schedule
from newsletter.schedule import moments
from tests.e2e.service_process import until

MORNING = datetime(2025, 7, 7, 14, 0, 20, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WEEKLY = Schedule(gather="fri 15:00", deadline="sun 18:00", send="mon 07:00")
ANGELES = ZoneInfo("America/Los_Angeles")


@pytest.fixture
def clock() -> Iterator[time_machine.Coordinates]:
    with time_machine.travel(MORNING, tick=False) as travelling:
        yield travelling


@pytest.fixture
def scheduler() -> Iterator[BackgroundScheduler]:
    executors = {"default": DebugExecutor()}  # runs a job before it looks for the next one
    scheduler = BackgroundScheduler(timezone=UTC, executors=executors, job_defaults=JOBS)
    scheduler.start()
    yield scheduler
    scheduler.shutdown()


def runs(scheduler: BackgroundScheduler, starts: list[datetime], count: int) -> list[datetime]:
    """The starts, once there are so many, and no more of them come."""

    def come() -> bool:
        catch_up(scheduler, MINUTE)
        scheduler.wakeup()
        return len(starts) >= count

    def waits() -> bool:
        return all(job.next_run_time > datetime.now(UTC) for job in scheduler.get_jobs())

    until(come, lambda: str(starts))
    until(waits, lambda: "a job is due all the time")
    for _ in range(3):
        come()
    assert waits()
    return starts


def started(starts: list[datetime]) -> Callable[[], None]:
    return lambda: starts.append(datetime.now(UTC))


def test_at_once_and_then_after_every_minute(
    clock: time_machine.Coordinates, scheduler: BackgroundScheduler
) -> None:
    one, two = list[datetime](), list[datetime]()
    scheduler.add_job(started(one), Every(MINUTE))
    scheduler.add_job(started(two), Every(MINUTE))
    assert runs(scheduler, one, 1) == runs(scheduler, two, 1) == [MORNING]
    clock.shift(59)
    assert runs(scheduler, one, 1) == runs(scheduler, two, 1) == [MORNING]
    clock.shift(1)
    assert runs(scheduler, one, 2) == runs(scheduler, two, 2) == [MORNING, MORNING + MINUTE]


@pytest.mark.parametrize("jump", [-366 * 24 * 60, -60, 60, 56 * 366 * 24 * 60], ids=str)
def test_a_clock_that_is_set_costs_no_check_and_gives_one(
    clock: time_machine.Coordinates, scheduler: BackgroundScheduler, jump: int
) -> None:
    starts = list[datetime]()
    scheduler.add_job(started(starts), Every(MINUTE))
    runs(scheduler, starts, 1)
    clock.shift(jump * MINUTE)
    assert runs(scheduler, starts, 2) == [MORNING, MORNING + jump * MINUTE]


def test_a_job_that_fails_does_not_end_the_others(
    clock: time_machine.Coordinates, scheduler: BackgroundScheduler
) -> None:
    starts = list[datetime]()

    def fail() -> None:
        raise RuntimeError("made up for a test")

    scheduler.add_job(fail, Every(MINUTE))
    scheduler.add_job(started(starts), Every(MINUTE))
    runs(scheduler, starts, 1)
    clock.shift(60)
    assert len(runs(scheduler, starts, 2)) == 2


def test_the_moments_of_the_timetable_and_of_sends_that_were_moved() -> None:
    """Over a change of the clock, as ``schedule`` has them: see test_five_years."""
    before_change = datetime(2025, 10, 24, tzinfo=UTC)
    moved = {"2025-10-27": datetime(2025, 10, 28, 16, tzinfo=UTC)}
    trigger = Timetable(WEEKLY, ANGELES, moved)
    coming = [m.utc for m in islice(moments(WEEKLY, ANGELES, before_change, moved), 20)]
    assert moved["2025-10-27"] in coming
    fires, previous = list[datetime](), None
    now = before_change
    while len(fires) < len(set(coming)):
        previous = now = trigger.get_next_fire_time(previous, now)
        fires.append(now)
    assert fires == sorted(set(coming))


def test_moments_that_were_missed_are_made_up_for_once(
    clock: time_machine.Coordinates, scheduler: BackgroundScheduler
) -> None:
    starts = list[datetime]()
    scheduler.add_job(started(starts), Timetable(WEEKLY, ANGELES, {}))
    clock.shift(timedelta(days=30))
    assert len(runs(scheduler, starts, 1)) == 1
