"""``make bench``: how long people wait. Medians of several runs on this machine, in this run."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import (
    delivering,
    gathering,
    importing,
    mailing,
    previewing,
    reading,
    reporting,
    serving,
    ticking,
)

ROOT = Path(__file__).parents[1]
ISSUE = "2025-07-07"
RUNS = 7


def main() -> None:
    """Measure, and print a line for each figure with the limit that we set ourselves."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("sample", "issues"):
            shutil.copytree(ROOT / part, folder / part)
        shutil.copyfile(ROOT / "newsletter.toml", folder / "newsletter.toml")
        bare = _median(lambda: _process("-c", "pass"))
        _line("python, doing nothing", bare, None)
        _line("newsletter --help, cold", _median(lambda: _process(*_CLI, "--help")), 0.4)
        build = _median(lambda: _process(*_CLI, "-C", name, "build", ISSUE))
        _line("newsletter build, cold", build, 1.0)
        rendering, checking, building = _warm(folder)
        _line("render and inline, warm", rendering, 0.015)
        _line("all checks, warm", checking, 0.05)
        _line("build, warm (as in the preview)", building, 0.06)
        _line("a tick, nothing due", ticking.measure(folder), 0.02)
        if (shown := previewing.measure(folder, ISSUE)) is None:
            print("There is no Chromium here: from a save to the browser was not measured.")
        else:
            _line("from a save to the browser", shown, 0.3)
    served = serving.measure()
    _line("newsletter run, idle, a minute", served.idle, 0.005)
    _line("newsletter run, until the first pass", served.start, 3.0)
    print(f"newsletter run, resident {served.resident / 1e6:17.1f} MB   limit 80 MB")
    least, first, second = gathering.measure()
    _line("100 feeds, fetched and parsed only", least, None)
    _line("100 feeds, gathered", first, 1.5 * least)
    _line("100 feeds, gathered again", second, 1.5 * least)
    for tls in (True, False):
        _handed_over(delivering.measure(tls=tls), "TLS" if tls else "plain")
    bare, ours, share = mailing.measure()
    print(f"SMTP, a bare loop of ready-made mails {bare:6.0f} mails a second")
    print(f"SMTP, delivered and recorded {ours:15.0f} mails a second", end="")
    print(f"   {share:.2f} of the bare loop, at least {mailing.SHARE}")
    pages = reading.measure()
    print(
        f"newsletter serve, pages of the archive {pages:8.0f} a second   at least {reading.LEAST}"
    )
    told = reporting.measure()
    print(
        f"events taken, in requests of {reporting.EACH} {told.rate:12,.0f} a second, at least "
        f"{reporting.LEAST:,}; memory {told.late / told.early:.2f} of that early on, at most 1.2"
    )
    least, ours, peak, small = importing.measure()
    _line(f"{importing.LINES:,} lines, read and inserted only", least, None)
    _line(f"{importing.LINES:,} lines, imported", ours, importing.LINES / 50_000)
    print(
        f"  {importing.LINES / ours:,.0f} lines a second, {ours / least:.1f} times the least; "
        f"{peak:.0f} MB at the most ({small:.0f} MB for {importing.FEW:,} lines)"
    )


_CLI = ("-m", "newsletter.cli")


def _handed_over(found: delivering.Figures, how: str) -> None:
    readers, middle = f"{delivering.MANY:,} readers", found.middle
    _line(f"{readers}, planned", middle.plan, 3.0)
    _line(f"{readers}, bare bodies, {how}", middle.bare, None)
    _line(f"{readers}, handed over, {how}", middle.deliver, 3 * middle.bare)
    _line(f"{readers}, by the package, a request each", found.singly, None)
    _line(f"{readers}, by the package, 1,000 a request", found.package, None)
    one, many = (seconds / middle.deliver for seconds in (found.singly, found.package))
    print(
        f"  {middle.times:.2f} times the bare bodies ({found.lowest:.2f} to {found.highest:.2f} in "
        f"{delivering.ROUNDS} rounds), at most 3; {one:.0f} and {many:.1f} times as fast as the "
        f"package in its two forms, at least 8; memory {middle.memory / found.few_memory:.3f} of "
        f"that for {delivering.FEW:,}, at most 1.1"
    )


def _warm(folder: Path) -> tuple[float, float, float]:
    """Rendering the sample issue (15 stories), checking it, and both with reading and writing."""
    from newsletter import check
    from newsletter.app import open_desk
    from newsletter.app.issue import build as issue_build
    from newsletter.issues import parse_name
    from newsletter.render import render, template_settings

    desk, issue = open_desk(folder), parse_name(ISSUE)
    built = issue_build.build(desk, issue)
    accepted = dict(template_settings(desk.config).accepted)

    def checked() -> object:
        return check.run(check.Mail(built.issue, built.rendered, desk.config, accepted))

    return (
        _median(lambda: render(built.issue, desk.config), 30),
        _median(checked, 30),
        _median(lambda: issue_build.build(desk, issue), 30),
    )


def _process(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)


def _median(work: Callable[[], object], runs: int = RUNS) -> float:
    work()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def _line(what: str, seconds: float, limit: float | None) -> None:
    digits = 1 if seconds < 0.01 else 0
    said = f"{what:<36} {seconds * 1000:7.{digits}f} ms"
    print(said if limit is None else f"{said}   limit {limit * 1000:.0f} ms, {seconds / limit:.2f}")


if __name__ == "__main__":
    main()
