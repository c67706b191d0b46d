"""The log: what a line is about stands in it, whoever writes it."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator

import pytest

from newsletter.app import logs

log = logging.getLogger("newsletter.somewhere")


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_lines_bear_what_they_are_about_in_every_thread(capsys: pytest.CaptureFixture[str]) -> None:
    logs.start("json")
    with logs.context(newsletter="주간"), logs.context(occurrence="send/2025-07-07"):
        thread = threading.Thread(target=log.info, args=("begins",))
        thread.start()
        thread.join()
    log.warning("after\nit")
    first, second = lines(capsys)
    assert first.pop("at").endswith("Z")
    assert first == {
        "level": "info", "newsletter": "주간", "occurrence": "send/2025-07-07", "message": "begins"
    }  # fmt: skip
    assert second.keys() == {"at", "level", "message"}
    assert second["message"] == "after\nit"


def test_a_fault_of_ours_has_its_trace(capsys: pytest.CaptureFixture[str]) -> None:
    logs.start("json")
    try:
        {}["what"]
    except KeyError:
        log.exception("The work failed")
    (line,) = lines(capsys)
    assert line["message"] == "The work failed"
    assert "KeyError: 'what'" in line["trace"]


def test_text_is_one_entry_whose_other_lines_are_indented(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.start("text")
    with logs.context(newsletter="Our Week", occurrence="send/2025-07-07", issue="2025-07-07"):
        log.info("waiting: these must be mended:\n- one")
    said = capsys.readouterr().err
    assert said[24:] == (
        " info Our Week, send/2025-07-07: waiting: these must be mended:\n  - one\n"
    )


def test_addresses_that_are_secrets_are_not_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    logs.start("text")
    logging.getLogger("httpx").info("HTTP Request: GET https://hooks.example.com/secret")
    assert capsys.readouterr().err == ""
