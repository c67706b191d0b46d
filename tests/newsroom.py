"""A small newsroom for tests: its folder, and the program as its people run it."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from typing import Any

from newsletter.store import open_database
from tests import zygote
from tests.forked import Forked
from tests.patient import PATIENCE

CONFIG = """\
[newsletter]
name = "The Weekly Test"
from = "The Weekly Test <news@example.com>"
reply_to = "desk@example.com"
address = "1 Example Street, Los Angeles, CA 90001"
base_url = "https://news.example.com"
timezone = "America/Los_Angeles"

[editor]
name = "Robin Ahn"
email = "editor@example.com"
bio = "Robin edits this letter."

[[sources]]
type = "feed"
path = "feed.xml"
section = "News"
"""

_NEWEST = datetime.now(UTC) - timedelta(hours=1)
_PREPARED: dict[tuple[str, int, str], dict[Path, bytes]] = {}

ITEM = """\
<item><title>{title}</title><link>https://www.example.com/{slug}</link>
<guid isPermaLink="false">{slug}</guid><pubDate>{date}</pubDate>
<dc:creator>Sam Lee</dc:creator><description>{title}, told in one sentence.</description></item>
"""


def feed(titles: Sequence[str], newest: datetime | None = None) -> str:
    """An RSS feed of these headlines, an hour apart, the first the newest."""
    newest = newest or _NEWEST
    items = (
        ITEM.format(
            title=title,
            slug=f"story-{abs(hash_of(title))}",
            date=format_datetime(newest - timedelta(hours=hours)),
        )
        for hours, title in enumerate(titles)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>'
        "<title>Test Daily</title><link>https://www.example.com/</link>"
        f"<description>d</description>{''.join(items)}</channel></rss>"
    )


def addresses(count: int) -> list[str]:
    """That many made-up readers."""
    return [f"reader{number:04}@example.com" for number in range(1, count + 1)]


def hash_of(text: str) -> int:
    """The same number for the same text in every process."""
    return sum(ord(c) * (i + 1) for i, c in enumerate(text))


@cache
def empty_database() -> bytes:
    """The file of a migrated SQLite database: migrating takes longer than most commands."""
    with tempfile.TemporaryDirectory() as folder:
        open_database("sqlite:///empty.db", Path(folder)).close()
        return (Path(folder) / "empty.db").read_bytes()


@dataclass
class Newsroom:
    """A newsletter's folder, and its command line as a process."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def configure(self, more: str = "", **changes: str) -> None:
        """The usual configuration, with some texts in it changed and ``more`` at its end."""
        text = CONFIG
        for old, new in changes.items():
            text = text.replace(old, new)
        self.write("newsletter.toml", text + more)
        if not (self.folder / "newsletter.db").exists():
            (self.folder / "newsletter.db").write_bytes(empty_database())

    def run(
        self, *arguments: str, status: int = 0, typed: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run ``newsletter``; its exit status must be the expected one."""
        where = ["-C", str(self.folder), *arguments]
        done = zygote.run(where, self.whole_environment(), typed, timeout=PATIENCE)
        said = f"{done.stdout}\n{done.stderr}"
        assert "Traceback" not in said, said
        assert done.returncode == status, said
        return done

    def start(self, *arguments: str) -> Forked:
        """Start ``newsletter``, to go on while the test does."""
        where = ["-C", str(self.folder), *arguments]
        return zygote.start(where, self.whole_environment())

    def json(self, *arguments: str, status: int = 0) -> Any:
        """What a command prints with --json."""
        return json.loads(self.run(*arguments, "--json", status=status).stdout)

    def whole_environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
        return {**kept, "COLUMNS": "100", **self.environment}

    def gathered(self, issue: str) -> Any:
        path = self.folder / "issues" / issue / "gathered.json"
        return json.loads(path.read_text(encoding="utf-8"))

    def subscribe(self, count: int) -> list[str]:
        """Import that many made-up readers."""
        rows = "".join(f"{address},\n" for address in addresses(count))
        self.write("readers.csv", f"email,name\n{rows}")
        self.run(
            "subscribers",
            "import",
            "readers.csv" if not self.folder else str(self.folder / "readers.csv"),
        )
        return addresses(count)

    def prepare(self, issue: str, readers: int = 3) -> list[str]:
        """Gather, build, approve and import: ready for ``send``.

        The second room of a test run that looks the same gets what came of the first.
        """
        key = (issue, readers, self._looks())
        if self.environment or key not in _PREPARED:
            self.run("gather", issue)
            self.run("build", issue)
            self.run("approve", issue)
            self.subscribe(readers)
            _PREPARED[key] = self.files()
        else:
            self.put(_PREPARED[key])
        return addresses(readers)

    def files(self) -> dict[Path, bytes]:
        """Every file by its path in the folder, for the next newsroom that is to be like this."""
        paths = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder): path.read_bytes() for path in paths}

    def put(self, files: dict[Path, bytes]) -> None:
        """Write these files into the folder."""
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def _looks(self) -> str:
        """What its files hold, in few letters."""
        seen = hashlib.sha256()
        for name, content in self.files().items():
            seen.update(f"{name}".encode() + content)
        return seen.hexdigest()


def make(
    folder: Path, titles: Sequence[str] = ("First story", "Second tale", "Third report")
) -> Newsroom:
    """A newsroom with one feed of these headlines."""
    room = Newsroom(folder)
    room.configure()
    room.write("feed.xml", feed(titles))
    return room
