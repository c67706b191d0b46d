"""SpamAssassin, the real one, on an issue; and a machine that has none."""

from __future__ import annotations

import shutil

import pytest

from tests.newsroom import Newsroom

ISSUE = "2030-01-07"

needs_it = pytest.mark.skipif(
    shutil.which("spamassassin") is None, reason="SpamAssassin is not on this machine"
)


@needs_it
def test_an_honest_issue_has_no_points(newsroom: Newsroom) -> None:
    newsroom.run("gather", ISSUE)
    found = newsroom.json("check", ISSUE, "--spam")["findings"]
    assert [finding for finding in found if finding["check"] == "spam"] == []


@needs_it
def test_junk_is_said_to_be_junk(newsroom: Newsroom) -> None:
    newsroom.run("gather", ISSUE)
    # The string by which every filter can be tried.
    gtube = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
    newsroom.write(f"issues/{ISSUE}/note.md", f"`{gtube}`\n")
    found = newsroom.json("check", ISSUE, "--spam", status=1)["findings"]
    assert found[0]["level"] == "error"
    assert "calls the mail spam: 1000 points" in found[0]["message"]
    assert any("GTUBE" in finding["message"] for finding in found)


def test_without_it_there_is_one_clear_sentence(newsroom: Newsroom) -> None:
    newsroom.run("gather", ISSUE)
    newsroom.environment["PATH"] = "/nowhere"
    said = newsroom.run("check", ISSUE, "--spam", status=2).stderr
    assert "SpamAssassin is not installed. Install it" in said
