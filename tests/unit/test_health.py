"""When a service says that it is not well."""

from __future__ import annotations

from pathlib import Path

from newsletter.app.service.health import LATE, STUCK, Status, health


def status(**state: object) -> Status:
    return Status(Path(), "Our Week", 1000.0, **state)  # type: ignore[arg-type]


def test_passes_that_stay_away_are_late() -> None:
    assert status().fault(1000 + LATE) is None
    assert status().fault(1001 + LATE) == "The last good pass was 301 seconds ago."


def test_a_tick_is_well_as_long_as_it_gives_signs() -> None:
    sending = status(began_at=1100.0, sign_at=90_000.0)
    assert sending.fault(90_000 + STUCK) is None
    assert sending.fault(90_001 + STUCK) == "The tick that began 90701 seconds ago is stuck."


def test_a_pass_that_fails_once_is_no_fault_until_it_is_late() -> None:
    failing = status(trouble="The database does not answer.")
    assert failing.fault(1060) is None
    assert failing.fault(1001 + LATE) == "The database does not answer."


def test_a_configuration_that_cannot_be_read_is_said_at_once() -> None:
    broken = Status(Path("week"), None, 1000.0, trouble="newsletter.toml: …", misconfigured=True)
    assert broken.fault(1001) == "newsletter.toml: …"
    well, document = health([status(), broken], 1001)
    assert not well
    assert document["reason"] == "week: newsletter.toml: …"
