"""The evidence beside the database: whole at every moment, and in nobody's way."""

from __future__ import annotations

import resource
import subprocess
import sys
import threading
from datetime import date
from pathlib import Path

import pytest

from newsletter import installation
from newsletter.errors import NewsletterError
from newsletter.model import IssueName
from tests.patient import PATIENCE

ISSUE = IssueName.parse("2025-07-07")
BEGIN = """
import pathlib, sys
from newsletter import installation
from newsletter.model import IssueName
installation.record(pathlib.Path(), IssueName.parse(sys.argv[1]), 1000)
"""


def test_a_full_disk_leaves_what_is_there(tmp_path: Path) -> None:
    installation.record(tmp_path, ISSUE, 9)
    before = (tmp_path / installation.FILE).read_bytes()

    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before), len(before)))

    done = subprocess.run(
        [sys.executable, "-B", "-c", BEGIN, str(ISSUE)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        preexec_fn=no_room,
    )
    assert "NewsletterError" in done.stderr
    assert (tmp_path / installation.FILE).read_bytes() == before
    assert installation.load(tmp_path).requests == {ISSUE: 9}
    installation.record(tmp_path, ISSUE, 1000)
    assert installation.load(tmp_path).requests == {ISSUE: 1000}
    assert [path.name for path in tmp_path.iterdir()] == [installation.FILE]


def test_a_damaged_file_that_was_mended_is_used_by_the_same_program(tmp_path: Path) -> None:
    installation.record(tmp_path, ISSUE, 9)
    file = tmp_path / installation.FILE
    good = file.read_bytes()
    file.write_bytes(good[:20])
    with pytest.raises(NewsletterError, match="it is damaged") as kept:
        installation.load(tmp_path)
    file.write_bytes(good)
    found: list[installation.Installation] = []
    again = threading.Thread(target=lambda: found.append(installation.load(tmp_path)), daemon=True)
    again.start()
    again.join(PATIENCE)
    assert found
    assert found[0].requests == {ISSUE: 9}
    del kept


def test_processes_that_begin_requests_at_once_keep_all_of_them(tmp_path: Path) -> None:
    def begin(issue: IssueName) -> None:
        for number in range(1, 41):
            installation.record(tmp_path, issue, number)

    names = [IssueName(date(2025, 7, day)) for day in range(1, 7)]
    crew = [threading.Thread(target=begin, args=(name,)) for name in names]
    for each in crew:
        each.start()
    for each in crew:
        each.join()
    expected = dict.fromkeys(names, 40)
    assert installation.load(tmp_path).requests == expected
