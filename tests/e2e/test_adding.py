"""docs/adding.md, followed to the letter: its files are written, its commands are run."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import newsroom
from tests.e2e.publisher import Publisher, publisher
from tests.newsroom import CONFIG, Newsroom

PAGE = Path(__file__).parents[2] / "docs" / "adding.md"
ISSUE = "2031-07-07"
MEETINGS = {
    "meetings": [
        {
            "id": 7,
            "title": "Council votes on <b>bus lanes</b>",
            "link": "/meetings/7",
            "posted": "July 1, 2031, 6:30 pm",
            "summary": "<p>The lanes reach Vermont Avenue.</p>",
        }
    ]
}


@dataclass(frozen=True)
class Block:
    """A code block of the page; ``file`` is what its first line names."""

    language: str
    file: str
    text: str


def blocks(section: str) -> list[Block]:
    text = PAGE.read_text(encoding="utf-8").partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    found = []
    for language, body in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        first = body.partition("\n")[0]
        name = re.search(r"^(?:#|/\*|\{#) (\S+\.\w+)", first)
        found.append(Block(language, name[1] if name else "", body))
    assert found, section
    return found


def python(section: str) -> Block:
    return next(block for block in blocks(section) if block.language == "python")


@pytest.fixture
def site() -> Iterator[Publisher]:
    with publisher({"/meetings.json": json.dumps(MEETINGS)}) as site:
        yield site


@pytest.fixture
def room(tmp_path: Path) -> Newsroom:
    """A newsletter as ``init`` makes it, with a feed that has stories."""
    Newsroom(tmp_path).run("init", str(tmp_path), "--name", "Ours")
    room = newsroom.make(tmp_path)
    room.run("gather", ISSUE)
    return room


def test_a_source(tmp_path: Path, site: Publisher) -> None:
    room = newsroom.make(tmp_path)
    host = "https://council.example.com"
    for block in blocks("A source"):
        if block.language == "python":
            room.write(block.file, block.text)
        elif block.language == "toml":
            assert host in block.text
            allowed = f'[gather]\nallow_hosts = ["{site.host}"]\n'
            room.configure(block.text.replace(host, site.url) + allowed)
        else:
            for command in block.text.splitlines():
                room.run(*command.removeprefix("newsletter ").split())
    room.run("gather", ISSUE)
    health = {source["type"]: source for source in room.gathered(ISSUE)["sources"]}
    assert health["council:MeetingsSource"]["status"] in ("ok", "unchanged"), health
    everything = [*room.gathered(ISSUE)["articles"], *room.gathered(ISSUE)["left_out"]]
    meeting = next(each for each in everything if each["section"] == "City Hall")
    assert meeting["title"] == "Council votes on bus lanes"
    assert meeting["url"] == f"{site.url.replace('http:', 'https:')}/meetings/7"
    assert meeting["blurb"] == "The lanes reach Vermont Avenue."
    assert meeting["published"].startswith("2031-07-02T01:30")

    site.pages["/meetings.json"] = "{}"
    room.run("gather", ISSUE)
    health = {source["type"]: source for source in room.gathered(ISSUE)["sources"]}
    assert health["council:MeetingsSource"]["status"] == "failing"
    assert "is not a list of meetings" in health["council:MeetingsSource"]["reason"]


def test_a_check(tmp_path: Path) -> None:
    room = newsroom.make(tmp_path, ["K-Town gets a park", "Second tale"])
    for block in blocks("A check"):
        if block.language == "toml":
            room.configure(block.text)
        elif block.language == "python":
            room.write(block.file, block.text)
    room.run("gather", ISSUE)
    found = room.json("check", ISSUE, status=1)["findings"]
    own = [finding for finding in found if finding["check"] == "ourhouse"]
    assert [finding["level"] for finding in own] == ["error", "warning"]
    assert own[0]["message"] == "“K-Town gets a park” says K-Town."
    assert own[0]["story"]
    path = tmp_path / "issues" / ISSUE / "issue.toml"
    path.write_text(path.read_text().replace('# headline = "K-Town', 'headline = "Koreatown'))
    found = room.json("check", ISSUE)["findings"]
    assert [finding["level"] for finding in found if finding["check"] == "ourhouse"] == ["warning"]


def test_a_template_and_a_layout(room: Newsroom, tmp_path: Path) -> None:
    for block in blocks("A template"):
        path = tmp_path / block.file
        if block.language == "sh":
            subprocess.run(block.text, shell=True, check=True, cwd=tmp_path)
        elif block.language == "jinja":
            row = block.text.partition("\n")[2]
            text = path.read_text(encoding="utf-8")
            dateline = '<tr><td class="dateline">'
            assert text.count(dateline) == 1
            path.write_text(text.replace(dateline, f"{row}{dateline}"), encoding="utf-8")
        else:
            path.write_text(path.read_text(encoding="utf-8") + block.text, encoding="utf-8")
    ours = 'template = "ours"\nimages = "link"\n'
    room.write("newsletter.toml", CONFIG.replace("[editor]", f"{ours}\n[editor]", 1))
    html = build(room)
    assert re.search(r'<td class="motto small"[^>]*letter-spacing:1px[^>]*>News for all', html)

    *files, use = blocks("A section layout")
    for block in files:
        path = tmp_path / block.file
        path.parent.mkdir(exist_ok=True)
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        path.write_text(text + block.text, encoding="utf-8")
    issue = tmp_path / "issues" / ISSUE / "issue.toml"
    heading = '[[sections]]\ntitle = "News"\n'
    assert use.text.startswith(heading)
    text = issue.read_text(encoding="utf-8")
    assert text.count(heading) == 1
    picture = 'image = "https://www.example.com/lanterns.jpg"\n'
    text = text.replace(heading, use.text)
    first = re.search(r"\[\[sections\.stories\]\]\narticle = .*\n", text)
    assert first
    issue.write_text(text.replace(first[0], first[0] + picture), encoding="utf-8")
    html = build(room)
    image = re.search(r"<img[^>]*lanterns\.jpg[^>]*>", html)
    assert image
    assert 'width="536"' in image[0]


def build(room: Newsroom) -> str:
    """The built mail, in which no check finds an error."""
    room.run("build", ISSUE)
    room.run("check", ISSUE)  # fails on an error
    return (room.folder / "issues" / ISSUE / "build" / "email.html").read_text(encoding="utf-8")


@pytest.mark.long
def test_mypy_accepts_the_samples(tmp_path: Path) -> None:
    samples = [python(section) for section in ("A source", "A provider", "A check")]
    for sample in samples:
        (tmp_path / sample.file).write_text(sample.text, encoding="utf-8")
    (tmp_path / "uses.py").write_text(
        "from collections.abc import Callable, Iterable\n"
        "from council import MeetingsSource\n"
        "from newsletter.check import Mail\n"
        "from newsletter.model import Finding\n"
        "from newsletter.providers import Interruptible, Parallel, Provider, Recalls, Reports\n"
        "from newsletter.providers.outbox import OutboxProvider\n"
        "from newsletter.providers.sendgrid import SendgridProvider\n"
        "from newsletter.providers.smtp import SmtpProvider\n"
        "from newsletter.sources import Source, Surroundings\n"
        "from ourhouse import check\n"
        "from pathlib import Path\n"
        "from pigeon import PigeonProvider\n\n"
        "def made(options: MeetingsSource.Options, around: Surroundings) -> Source:\n"
        "    return MeetingsSource(options, around)\n\n"
        "folder = Path()\n"
        "pigeon = PigeonProvider(PigeonProvider.Options.model_validate({}), folder)\n"
        "outbox = OutboxProvider(OutboxProvider.Options.model_validate({}), folder)\n"
        "smtp = SmtpProvider(SmtpProvider.Options.model_validate({}), folder)\n"
        "sendgrid = SendgridProvider(SendgridProvider.Options.model_validate({}), folder)\n"
        "providers: list[Provider] = [pigeon, outbox, smtp, sendgrid]\n"
        "parallel: list[Parallel] = [smtp, sendgrid]\n"
        "interruptible: Interruptible = smtp\n"
        "recalls: Recalls = sendgrid\n"
        "reports: list[Reports] = [pigeon, sendgrid]\n\n"
        "function: Callable[[Mail], Iterable[Finding]] = check\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache")]
    files = [*(sample.file for sample in samples), "uses.py"]
    done = subprocess.run([*command, *files], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
