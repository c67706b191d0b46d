"""Sources of one's own that go wrong: each fails alone, and says what happened."""

from __future__ import annotations

from pathlib import Path

from tests import newsroom

ISSUE = "2031-07-07"
CLASS = """
from datetime import datetime
from newsletter.config import SourceOptions
from newsletter.model import Article

class Source:
    class Options(SourceOptions):
        url: str
    def __init__(self, options, around):
        {made}
    def fetch(self, window):
        {fetched}
"""
GOOD = "Article('1', 'Title', 'https://x.example/')"
FAULTS = {
    "make_raises": ("{}['key']", "return []", "KeyError: 'key' (make_raises.py, line 10)"),
    "make_exits": ("raise SystemExit('bye')", "return []", "SystemExit: bye"),
    "fetch_raises": ("pass", "1 / 0", "ZeroDivisionError: division by zero (fetch_raises.py, line"),
    "fetch_exits": ("pass", "import sys; sys.exit(0)", "SystemExit: 0"),
    "halfway": ("pass", f"yield {GOOD}; raise OSError('cut off')", "OSError: cut off (halfway.py"),
    "no_list": ("pass", "return None", "TypeError: 'NoneType' object is not iterable;"),
    "a_dict": ("pass", "return [{'title': 'T'}]", "gave a dict instead of an Article"),
    "a_class": ("pass", "return [Article]", "gave a type instead of an Article"),
    "naive": (
        "pass",
        "return [Article('1', 'Night', 'https://x.example/', published=datetime(2031, 7, 4))]",
        "the article “Night” has a date without a time zone, 2031-07-04 00:00:00",
    ),
    "no_id": ("pass", "return [Article('', 'T', 'https://x.example/')]", "“T” has no id"),
    "no_title": (
        "pass",
        "return [Article('1', None, 'https://x.example/')]",
        "the article '1' has title = None",
    ),
    "text_date": (
        "pass",
        "return [Article('1', 'T', 'https://x.example/', published='2031-07-04')]",
        "the article “T” has published = '2031-07-04'",
    ),
    "one_author": (
        "pass",
        "return [Article('1', 'T', 'https://x.example/', authors=(1,))]",
        "the article “T” has authors = (1,)",
    ),
    "other_source": (
        "pass",
        "return [Article('1', 'T', 'elsewhere')]",
        "the article “T” has the source 'elsewhere' instead of 'https://x.example/'",
    ),
}


def test_each_fails_alone(tmp_path: Path) -> None:
    room = newsroom.make(tmp_path)
    blocks = ""
    for name, (made, fetched, _) in FAULTS.items():
        room.write(f"{name}.py", CLASS.format(made=made, fetched=fetched))
        address = "https://x.example/"
        section = f'section = "{name}"'
        blocks += f'[[sources]]\ntype = "{name}:Source"\nurl = "{address}"\n{section}\n'
    room.configure(blocks)
    room.run("gather", ISSUE)
    gathered = room.gathered(ISSUE)
    assert [article["title"] for article in gathered["articles"]] == [
        "First story",
        "Second tale",
        "Third report",
    ]
    feed, *others = gathered["sources"]
    assert (feed["status"], feed["articles"]) == ("ok", 3)
    assert {source["section"]: source["status"] for source in others} == dict.fromkeys(
        FAULTS, "failing"
    )
    for source in others:
        expected = FAULTS[source["section"]][2]
        assert expected in source["reason"], source
        assert source["reason"].startswith("https://x.example/ ")
        assert f"{source['section']}:Source" in source["reason"]
