"""An editor's work on an issue: gather, build, check, approve."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from newsletter import check, issues, sources
from newsletter.app.desk import Desk
from newsletter.errors import NotReadyError, UsageError
from newsletter.http import Door
from newsletter.model import Finding, Gathered, Issue, Level, Rendered, Window
from newsletter.render import render

FIRST_WINDOW = timedelta(days=7)


@dataclass(frozen=True)
class Built:
    """An issue as it would be mailed now, and what the checks say of it."""

    issue: Issue
    rendered: Rendered
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that stop a send."""
        return tuple(f for f in self.findings if f.level is Level.ERROR)


@dataclass(frozen=True)
class Gathering:
    """What one gather did: the articles, those that are new, and whether it made a draft."""

    gathered: Gathered
    new: tuple[str, ...]
    drafted: bool
    folder: Path


def gather(desk: Desk, issue: date, since: date | None = None) -> Gathering:
    """Read the sources into the issue's folder, and draft the issue if there is no draft yet.

    Raises FetchError when no source could be read; then nothing is changed.
    """
    from newsletter.gather import gather as run
    from newsletter.store import sends

    folder = issues.folder_of(desk.folder, issue)
    before = issues.read_gathered(folder)
    with desk.database.begin() as connection:
        mailed = sends.mailed(connection, desk.name, but=issue.isoformat())
    now = desk.clock()
    window = _window(desk, issue, now, since, before)
    with ExitStack() as stack:
        door = stack.enter_context(Door(desk.config.gather.allow_hosts))
        built = [
            (options, sources.build(options, _around(desk, options, door)))
            for options in desk.config.sources
        ]
        gathered = run(built, window, now, before=before, mailed=mailed)
    issues.write_gathered(folder, gathered)
    drafted = issues.draft(
        folder,
        issue,
        gathered.articles,
        newsletter=desk.name,
        most=desk.config.newsletter.stories,
        untitled=desk.language.words["untitled"],
        sections=[s.section for s in desk.config.sources if s.section],
    )
    known = {article.id for article in before.articles} if before else set()
    new = tuple(article.id for article in gathered.articles if article.id not in known)
    return Gathering(gathered, new, drafted, folder)


def compose(desk: Desk, issue: date) -> Built:
    """Render and check the issue as its folder is now; writes nothing."""
    content = issues.read_issue(desk.folder, issue)
    rendered = render(content, desk.config)
    findings = check.run(check.Mail(content, rendered, desk.config))
    return Built(content, rendered, findings)


def build(desk: Desk, issue: date) -> Built:
    """Compose the issue and write the result into its ``build/``."""
    built = compose(desk, issue)
    folder = build_folder(desk, issue)
    rendered = built.rendered
    facts = {
        "subject": rendered.subject,
        "preheader": rendered.preheader,
        "hash": rendered.hash,
        "html_bytes": len(rendered.html.encode()),
        "text_bytes": len(rendered.text.encode()),
        "tokens": dict(rendered.tokens),
    }
    findings = [asdict(finding) for finding in built.findings]
    issues.write_atomically(folder / "email.html", rendered.html)
    issues.write_atomically(folder / "email.txt", rendered.text)
    issues.write_atomically(folder / "findings.json", _json(findings))
    issues.write_atomically(folder / "email.json", _json(facts))
    return built


def approve(desk: Desk, issue: date, by: str | None = None) -> Built:
    """Approve what was built last, if the folder still says the same and nothing stops it."""
    from newsletter.store import approvals

    built = compose(desk, issue)
    seen = built_hash(desk, issue)
    if seen is None:
        raise NotReadyError(
            f"Issue {issue} was not built yet, so nobody can have seen it. "
            f"Look at it first: newsletter build {issue}"
        )
    if seen != built.rendered.hash:
        raise NotReadyError(
            f"Issue {issue} has changed since it was built. Build it and look at it again, then "
            f"approve: newsletter build {issue}"
        )
    require_no_errors(built, "approved")
    with desk.database.begin() as connection:
        approvals.approve(
            connection,
            desk.name,
            issue.isoformat(),
            built.rendered.hash,
            by or desk.config.editor.email or "the command line",
            desk.clock(),
        )
    return built


def unapprove(desk: Desk, issue: date) -> bool:
    """Take the approval back; False where there was none."""
    from newsletter.store import approvals

    with desk.database.begin() as connection:
        return approvals.withdraw(connection, desk.name, issue.isoformat())


def require_no_errors(built: Built, what: str) -> None:
    """Raise NotReadyError where a check found an error."""
    if built.errors:
        lines = "\n".join(f"  {f.message} {f.remedy}" for f in built.errors)
        raise NotReadyError(
            f"Issue {built.issue.name} cannot be {what}; these must be mended first:\n{lines}"
        )


def built_hash(desk: Desk, issue: date) -> str | None:
    """The hash of what was built last, or None."""
    path = build_folder(desk, issue) / "email.json"
    try:
        found: str = json.loads(path.read_text(encoding="utf-8"))["hash"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found


def build_folder(desk: Desk, issue: date) -> Path:
    """Where the built mail of an issue lies."""
    return issues.folder_of(desk.folder, issue) / "build"


def _window(
    desk: Desk, issue: date, now: datetime, since: date | None, before: Gathered | None
) -> Window:
    """From the previous issue's gather to now; a second gather keeps the first one's start."""
    if since:
        start = datetime.combine(since, time(), tzinfo=desk.config.zone)
        if start >= now:
            raise UsageError(f"--since {since} lies in the future. Give a day before today.")
        return Window(start, now)
    if before:
        return Window(before.window.start, now)
    earlier = [day for day in issues.existing(desk.folder) if day < issue]
    for day in reversed(earlier):
        previous = issues.read_gathered(issues.folder_of(desk.folder, day))
        if previous:
            return Window(previous.window.end, now)
    return Window(now - FIRST_WINDOW, now)


def _around(desk: Desk, options: Any, door: Door) -> sources.Surroundings:
    zone = ZoneInfo(options.timezone) if options.timezone else desk.config.zone
    return sources.Surroundings(desk.folder, zone, door)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
