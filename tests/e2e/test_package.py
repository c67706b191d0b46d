"""The wheel holds everything, and the demo runs from it in an empty folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_demo_from_the_wheel(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "lib")
        names = set(archive.namelist())
    for needed in (
        "newsletter/templates/weekly/email.html.j2",
        "newsletter/words/ko.toml",
        "newsletter/starter.toml",
        "newsletter/web/preview/templates/preview.html.j2",
        "newsletter/store/migrations/versions/0001_first_tables.py",
        "newsletter/example/sample/news.xml",
        "newsletter/example/issues/2025-07-07/issue.toml",
    ):
        assert needed in names
    assert not any(name.startswith(("tests/", "bench/")) or "/build/" in name for name in names)
    done = subprocess.run(
        [sys.executable, "-m", "newsletter.cli", "-C", str(tmp_path / "new"), "demo"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "lib")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "25 accepted" in done.stdout
    assert len(list((tmp_path / "new" / "outbox" / "2025-07-07").glob("*.eml"))) == 25


def test_the_demo_may_be_repeated_but_leaves_a_real_newsletter_alone(tmp_path: Path) -> None:
    def newsletter(*arguments: str, status: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "newsletter.cli", "-C", str(tmp_path), *arguments],
            capture_output=True,
            text=True,
        )
        assert done.returncode == status, done.stderr
        return done.stdout + done.stderr

    first = newsletter("demo")
    assert newsletter("demo") == first
    newsletter("subscribers", "add", "real.person@example.com")
    assert "did not touch it" in newsletter("demo", status=2)
    assert "real.person@example.com" in newsletter("subscribers", "export")


def test_a_python_without_venv_leaves_nothing_half_made(tmp_path: Path) -> None:
    """Debian's Python without ``python3-venv``: it makes an environment without pip, and fails."""
    for name in ("Makefile", "pyproject.toml", *(path.name for path in ROOT.glob("*.lock"))):
        shutil.copy(ROOT / name, tmp_path)
    python = tmp_path / "python3"
    python.write_text(
        '#!/bin/sh\n[ "$2" = venv ] || exec "$REAL" "$@"\n"$REAL" "$@" --without-pip\n'
        'echo "ensurepip is not available." >&2\nexit 1\n'
    )
    python.chmod(0o755)
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    for _ in range(2):
        done = subprocess.run(
            ["make", "demo", f"PYTHON={python}"],
            cwd=tmp_path,
            env={**kept, "REAL": sys.executable},
            capture_output=True,
            text=True,
        )
        assert done.returncode != 0
        assert "apt install python3-venv" in done.stderr
        assert "No module named pip" not in done.stderr
        assert not (tmp_path / ".venv").exists()
        # As the Makefile of an older version left it.
        (tmp_path / ".venv" / "bin").mkdir(parents=True)
        (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
