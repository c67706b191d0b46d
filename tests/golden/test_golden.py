"""The sample week → exactly these mails, in English and in Korean.

``make golden`` writes the files anew; look at the difference before committing it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from newsletter import issues
from newsletter.app import open_desk
from newsletter.app.issue import build, gather
from newsletter.app.setup.demo import ISSUE, NOW
from newsletter.config import Database

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent

KOREAN = """\
[newsletter]
name = "주간 브리핑"
language = "ko"
timezone = "America/Los_Angeles"
from = "주간 브리핑 <korean@example.com>"
address = "The Angeles Daily, 690 Example Place, Los Angeles, CA 90005"
base_url = "https://briefing.example.com"

[editor]
name = "서다나"
email = "editor@example.com"
bio = "주간 브리핑을 엮는 편집자입니다."

[dateline]
city = "로스앤젤레스"

[[sources]]
type = "feed"
path = "sample/korean.xml"
section = "뉴스"
"""


def english(folder: Path) -> None:
    shutil.copyfile(ROOT / "newsletter.toml", folder / "newsletter.toml")
    shutil.copytree(ROOT / "issues" / str(ISSUE), folder / "issues" / str(ISSUE))


def korean(folder: Path) -> None:
    (folder / "newsletter.toml").write_text(KOREAN, encoding="utf-8")
    note = folder / "issues" / str(ISSUE) / "note.md"
    note.parent.mkdir(parents=True)
    note.write_text("한 주의 소식을 **모았습니다**.\n", encoding="utf-8")


@pytest.mark.parametrize("lay_out", [english, korean])
def test_the_sample_week(
    tmp_path: Path, request: pytest.FixtureRequest, lay_out: Callable[[Path], None]
) -> None:
    shutil.copytree(ROOT / "sample", tmp_path / "sample")
    lay_out(tmp_path)
    desk = open_desk(tmp_path, lambda: NOW, database=Database(url="sqlite:///golden.db"))
    gathering = gather.gather(desk, ISSUE)
    gather.draft(desk, ISSUE, gathering)
    built = build.build(desk, ISSUE)
    desk.close()
    assert built.findings == ()
    folder = issues.folder_of(tmp_path, ISSUE)
    files = {
        "gathered.json": folder / "gathered.json",
        "issue.toml": folder / "issue.toml",
        "email.html": folder / "build" / "email.html",
        "email.txt": folder / "build" / "email.txt",
        "email.json": folder / "build" / "email.json",
    }
    for name, path in files.items():
        golden = HERE / lay_out.__name__ / name
        if request.config.getoption("write_golden", default=False):
            golden.parent.mkdir(exist_ok=True)
            shutil.copyfile(path, golden)
        assert path.read_text(encoding="utf-8") == golden.read_text(encoding="utf-8")


def test_the_repository_holds_what_the_demo_writes() -> None:
    committed = (ROOT / "issues" / str(ISSUE) / "gathered.json").read_text(encoding="utf-8")
    assert committed == (HERE / "english" / "gathered.json").read_text(encoding="utf-8")


def test_the_sample_week_is_of_its_own_time() -> None:
    assert datetime(2025, 7, 4, 15, tzinfo=ZoneInfo("America/Los_Angeles")) == NOW
