"""When the service looks, whatever is done to the machine's clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from newsletter.app.service.rhythm import Rhythm

MORNING = datetime(2025, 7, 7, 14, 0, 20, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[time_machine.Coordinates]:
    with time_machine.travel(MORNING, tick=False) as travelling:
        yield travelling


def test_at_once_and_then_with_every_minute(clock: time_machine.Coordinates) -> None:
    seen: list[str] = []
    rhythm = Rhythm([lambda: seen.append("one"), lambda: seen.append("two")], 60)
    assert rhythm.due() == 40
    assert sorted(seen) == ["one", "two"]
    clock.shift(39)
    assert rhythm.due() == 1
    clock.shift(1)
    assert rhythm.due() == 60
    assert sorted(seen) == ["one", "one", "two", "two"]


@pytest.mark.parametrize("jump", [-366 * 24 * 60, -60, 60, 366 * 24 * 60], ids=str)
def test_a_clock_that_is_set_costs_no_look_and_gives_one(
    clock: time_machine.Coordinates, jump: int
) -> None:
    seen: list[datetime] = []
    rhythm = Rhythm([lambda: seen.append(datetime.now(UTC))], 60)
    rhythm.due()
    clock.shift(timedelta(minutes=jump))
    assert rhythm.due() <= 60
    assert seen == [MORNING, MORNING + timedelta(minutes=jump)]


def test_a_look_that_fails_does_not_end_the_others(clock: time_machine.Coordinates) -> None:
    seen: list[int] = []

    def fail() -> None:
        raise RuntimeError("made up for a test")

    rhythm = Rhythm([fail, lambda: seen.append(1)], 60)
    rhythm.due()
    clock.shift(60)
    rhythm.due()
    assert seen == [1, 1]
