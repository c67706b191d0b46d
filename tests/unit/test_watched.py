"""When a service says that it is not well."""

from __future__ import annotations

from pathlib import Path

from newsletter.app.service.health import LATE, STUCK, Watched, health


def watched(**state: object) -> Watched:
    return Watched(Path(), "Our Week", 1000.0, **state)  # type: ignore[arg-type]


def test_looks_that_stay_away_are_late() -> None:
    assert watched().ill(1000 + LATE) is None
    assert watched().ill(1001 + LATE) == "The last good look was 301 seconds ago."


def test_a_look_at_work_is_well_as_long_as_it_is_heard_of() -> None:
    sending = watched(pid=1, since=1100.0, heard=90_000.0)
    assert sending.ill(90_000 + STUCK) is None
    assert sending.ill(90_001 + STUCK) == "The look that began 90701 seconds ago is stuck."


def test_a_look_that_fails_once_is_no_illness_until_it_is_late() -> None:
    failing = watched(trouble="The database does not answer.")
    assert failing.ill(1060) is None
    assert failing.ill(1001 + LATE) == "The database does not answer."


def test_a_configuration_that_cannot_be_read_is_said_at_once() -> None:
    broken = Watched(Path("week"), None, 1000.0, trouble="newsletter.toml: …", broken=True)
    assert broken.ill(1001) == "newsletter.toml: …"
    well, document = health([watched(), broken], 1001)
    assert not well
    assert document["reason"] == "week: newsletter.toml: …"


def test_each_newsletter_says_how_it_is() -> None:
    well, document = health([watched(looks=3), watched(pid=1, heard=1020.0)], 1024.6)
    assert well
    assert (document["status"], document["reason"]) == ("ok", None)
    one, other = document["newsletters"]  # type: ignore[misc]
    assert (one["name"], one["looks"], one["at_work"]) == ("Our Week", 3, False)
    assert one["seconds_since_good_look"] == other["seconds_since_good_look"] == 25
    assert (other["at_work"], other["reason"]) == (True, None)
