"""However much a publisher sends, the program stays small and the week goes on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.patient import PATIENCE

if not Path("/proc/self/status").exists():
    pytest.skip("memory is measured on Linux alone", allow_module_level=True)

MIB = 1024 * 1024
MOST = 300  # MiB resident, for the whole process

PROGRAM = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo
from newsletter import sources
from newsletter.errors import FetchError
from newsletter.http import Response
from newsletter.http.spooled_file import SpooledFile
from newsletter.model import Window
from newsletter.sources import Surroundings

class Big:
    def get(self, url, headers=None):
        spool = SpooledFile()
        with open(sys.argv[2], "rb") as file:
            while piece := file.read(65536):
                spool.write(piece)
        return Response(url, 200, {}, spool)

values = {"type": sys.argv[1], "url": "https://www.example.com/x"}
if sys.argv[1] == "sitemap":
    values["read_pages"] = False
around = Surroundings(Path(), ZoneInfo("UTC"), Big())
window = Window(datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
try:
    options = sources.options(sys.argv[1]).model_validate(values)
    found = len(list(sources.build(options, around).fetch(window)))
except FetchError:
    found = -1
status = Path("/proc/self/status").read_text()
print(found, int(status.split("VmHWM:")[1].split()[0]) // 1024)
"""


def filled(start: str, piece: str, end: str) -> bytes:
    """Almost twenty megabytes of one piece."""
    count = (20 * MIB - 1000) // len(piece.encode())
    return (start + piece * count + end).encode()


ITEM = "<item><title>News</title><guid>x</guid></item>"
FEED = "<rss version='2.0'><channel><title>x</title>"
CASES = {
    "tiny items": ("feed", (FEED, ITEM, "</channel></rss>"), 1000),
    "one huge item": (
        "feed",
        (f"{FEED}<item><title>a</title><description>", "\U0001f600 &lt;p&gt; ", ""),
        1,
    ),
    "no tags": ("feed", ("", "word ", ""), -1),
    "pointed brackets": ("feed", ("", "<", ""), -1),
    "attributes": ("feed", (f"{FEED}<item ", "a='x' ", "></item>"), -1),
    "json items": ("feed", ('{"items":[', '{"id":"1","title":"a"},', "{}]}"), 2000),
    "json depths": ("feed", ("[", "[", ""), -1),
    "paragraphs": ("page", ("<title>A page</title><h1>A page</h1>", "<p>word</p>", ""), 1),
    "nested": ("page", ("<h1>A page</h1>", "<div>", ""), 1),
    "addresses": ("sitemap", ("<urlset>", "<url><loc>https://a.test/</loc></url>", ""), 1),
    "posts": ("wordpress", ("[", "{},", "{}]"), -1),
}


@pytest.mark.parametrize("name", CASES)
def test_twenty_megabytes_of_anything(name: str, tmp_path: Path) -> None:
    type_, parts, expected = CASES[name]
    path = tmp_path / "big"
    path.write_bytes(filled(*parts))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, type_, str(path)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    found, resident = map(int, done.stdout.split())
    assert resident < MOST
    assert found >= expected if expected > 0 else found == expected
