"""The files and lines of docs/deploy.md, tried as far as a machine without root allows."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.service_process import due, service, until
from tests.newsroom import Newsroom
from tests.patient import PATIENCE

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
UNIT = (ROOT / "deploy" / "newsletter.service").read_text(encoding="utf-8")
CONTAINER = (ROOT / "deploy" / "Containerfile").read_text(encoding="utf-8")
PROGRAM = Path(sys.executable).with_name("newsletter")


def setting(name: str) -> str:
    """A line of the unit."""
    found = re.search(rf"^{name}=(.*)$", UNIT, re.MULTILINE)
    assert found, name
    return found[1]


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    if not (analyze := shutil.which("systemd-analyze")):
        pytest.skip("systemd is not on this machine")
    path = tmp_path / "newsletter.service"
    path.write_text(UNIT.replace("/opt/newsletter/bin/newsletter", str(PROGRAM)))
    done = subprocess.run([analyze, "verify", path], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_command_of_the_unit_starts_and_tells_systemd(newsroom: Newsroom) -> None:
    command = shlex.split(setting("ExecStart"))
    assert command[:2] == ["/opt/newsletter/bin/newsletter", "run"]
    folder, options = command[2], command[3:]
    assert folder.startswith(setting("ReadWritePaths"))
    assert (setting("Type"), setting("KillMode")) == ("notify", "mixed")
    options[options.index("--health") + 1] = "0"
    process = subprocess.Popen(
        [PROGRAM, "run", newsroom.folder, *options],
        env=newsroom.whole_environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr
        assert "Running The Weekly Test" in process.stderr.readline()
    finally:
        process.terminate()
        assert process.wait(PATIENCE) == 0
        process.communicate()


def test_the_line_for_cron_says_only_what_happened(newsroom: Newsroom) -> None:
    (line,) = re.findall(r"^\* \* \* \* \* (.*)$", PAGE, re.MULTILINE)
    line = line.replace("/opt/newsletter/bin/newsletter", shlex.quote(str(PROGRAM)))
    line = line.replace("/srv/newsletters/weekly", shlex.quote(str(newsroom.folder)))

    def cron() -> str:
        done = subprocess.run(
            ["/bin/sh", "-c", line], capture_output=True, text=True, env={}, check=True
        )
        return done.stdout + done.stderr

    assert cron() == ""
    newsroom.configure(due("gather"))
    assert re.fullmatch(
        r"\S+ info The Weekly Test, gather/\S+: Starts\n"
        r"\S+ info The Weekly Test, gather/\S+: done: 3 articles.*\n"
        r"\S+ info The Weekly Test: An alert was sent: draft \S+\n",
        cron(),
    )
    assert cron() == ""


def test_the_container_copies_what_there_is_and_asks_what_is_answered(newsroom: Newsroom) -> None:
    for sources in re.findall(r"^COPY (.*) \S+$", CONTAINER, re.MULTILINE):
        for name in sources.split():
            assert (ROOT / name).exists(), name
    entry, command = (
        json.loads(re.findall(rf"^{word} (\[.*\])$", CONTAINER, re.MULTILINE)[0])
        for word in ("ENTRYPOINT", "CMD")
    )
    assert entry == ["newsletter"]
    port = command[command.index("--health") + 1]
    (check,) = re.findall(r"^HEALTHCHECK .* CMD (\[.*\])$", CONTAINER, re.MULTILINE)
    python, *arguments = json.loads(check)
    assert python == "python"
    with service(newsroom, command=True) as run:
        until(lambda: run.health()[0] == 200, run.text)
        here = run.url.split(":")[2].partition("/")[0]
        asked = [argument.replace(f":{port}/", f":{here}/") for argument in arguments]
        assert asked != arguments
        subprocess.run([sys.executable, *asked], check=True)
        run.stop()
    assert subprocess.run([sys.executable, *asked], capture_output=True).returncode == 1


def test_the_log_that_the_page_shows_is_the_log_that_is_written() -> None:
    (line,) = re.findall(r"^(\{.*\})$", PAGE, re.MULTILINE)
    assert list(json.loads(line)) == [
        *("at", "level", "newsletter", "occurrence", "issue", "message")
    ]  # fmt: skip
