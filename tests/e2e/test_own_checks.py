"""Checks of one's own: what they find stops a send, and what goes wrong in them does, too."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import newsroom
from tests.newsroom import Newsroom

ISSUE = "2031-07-07"
IMPORTS = """\
from newsletter.check import error, warning
from newsletter.model import Finding, Level
"""
BROKEN = {
    "raises": ("def check(mail): 1 / 0", "failed: ZeroDivisionError: division by zero (raises.py"),
    "exits": ("def check(mail): raise SystemExit(0)", "failed: SystemExit: 0 (exits.py, line 3)"),
    "nothing": ("def check(mail): return None", "failed: TypeError: 'NoneType' object is not iter"),
    "a_text": ("def check(mail): return ['wrong']", "gave a str instead of a Finding"),
    "a_level": (
        "def check(mail): yield Finding('error', 'a', 'b', 'c')",
        "gave a Finding with level = 'error'",
    ),
    "import_raises": ("raise RuntimeError('no')", "cannot be loaded: RuntimeError: no (import_rai"),
    "no_check": ("x = 1", "no_check.py has no 'check'"),
    "no_function": ("check = 3", "cannot be used: it is 3, not a function"),
}


@pytest.fixture
def room(tmp_path: Path) -> Newsroom:
    room = newsroom.make(tmp_path)
    room.run("gather", ISSUE)
    return room


def configure(room: Newsroom, *names: str) -> None:
    own = ", ".join(f'"{name}"' for name in names)
    room.configure(f"[checks]\nown = [{own}]\n")


def findings(room: Newsroom, status: int) -> list[dict[str, str]]:
    found = room.json("check", ISSUE, status=status)
    listed: list[dict[str, str]] = found if isinstance(found, list) else found["findings"]
    return listed


def test_what_it_finds_is_a_finding(room: Newsroom) -> None:
    room.write(
        "house_style.py",
        IMPORTS + "def check(mail):\n"
        "    for story in mail.issue.stories:\n"
        "        yield error('style', f'“{story.headline}” is too long.', 'Shorten it.')\n"
        "    yield warning('style', 'The tone is dry.', 'Smile.')\n",
    )
    configure(room, "house_style:check")
    own = [finding for finding in findings(room, 1) if finding["check"] == "style"]
    assert [finding["level"] for finding in own] == ["error"] * 3 + ["warning"]
    assert "“First story” is too long." in own[0]["message"]


def test_what_goes_wrong_in_one_is_an_error_that_names_it(room: Newsroom) -> None:
    for name, (code, _) in BROKEN.items():
        room.write(f"{name}.py", f"{IMPORTS}{code}\n")
    configure(room, *(f"{name}:check" for name in BROKEN), "nowhere:check")
    own = {f["place"]: f for f in findings(room, 1) if f["check"] == "own"}
    assert list(own) == [*(f"{name}:check" for name in BROKEN), "nowhere:check"]
    for name, (_, expected) in BROKEN.items():
        finding = own[f"{name}:check"]
        assert expected in finding["message"]
        assert f"{name}:check" in finding["message"]
        assert finding["level"] == "error"
        assert "[checks]" in finding["remedy"]
    assert "No module named 'nowhere'" in own["nowhere:check"]["message"]


def test_what_it_found_before_it_broke_is_kept(room: Newsroom) -> None:
    code = "def check(mail):\n    yield warning('style', 'Dry.', 'Smile.')\n    raise KeyError(7)\n"
    room.write("half.py", IMPORTS + code)
    configure(room, "half:check")
    own = {f["check"]: f for f in findings(room, 1) if f["check"] in ("own", "style")}
    assert set(own) == {"own", "style"}


@pytest.mark.parametrize("name", ["check", "a.b", "a:b:c", ":check", "a b:c", "a:", "../a:check"])
def test_a_name_that_names_no_function(tmp_path: Path, name: str) -> None:
    room = Newsroom(tmp_path)
    configure(room, name)
    said = room.run("schedule", status=2).stderr
    assert 'checks.own[1]: expected the name of a function, such as "ourhouse:check"' in said
