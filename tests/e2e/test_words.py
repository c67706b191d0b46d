"""What the program says to an editor is true, and leads on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.newsroom import Newsroom

ISSUE = "2030-01-07"  # a Monday


@pytest.fixture
def sealed(tmp_path: Path) -> Iterator[Path]:
    """A folder in which nothing can be made."""
    folder = tmp_path / "sealed"
    folder.mkdir()
    folder.chmod(0o500)
    yield folder
    folder.chmod(0o700)


def powerless(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``newsletter`` as somebody whom permissions bind, also where root runs the tests."""
    command = [sys.executable, "-m", "newsletter.cli", *arguments]
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("Permissions bind root only with setpriv.")
        command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", *command]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("arguments", [("init", "{}"), ("-C", "{}", "demo")])
def test_a_folder_that_cannot_be_made_is_no_fault_of_the_program(
    sealed: Path, arguments: tuple[str, ...]
) -> None:
    new = str(sealed / "new")
    done = powerless(*(each.format(new) for each in arguments))
    assert done.returncode == 1
    assert f"{new} could not be made: Permission denied. Choose another folder" in done.stderr


def test_a_database_that_is_read_only_says_so(newsroom: Newsroom) -> None:
    newsroom.run("subscribers", "add", "reader@example.com")
    database = newsroom.folder / "newsletter.db"
    database.chmod(0o400)
    done = powerless("-C", str(newsroom.folder), "subscribers", "add", "other@example.com")
    assert done.returncode == 1
    assert "cannot be written: attempt to write a readonly database" in done.stderr
    assert "permissions of its file and its folder" in done.stderr
