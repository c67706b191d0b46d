"""An editor's work on an issue: build, check, approve."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path

from newsletter import check, issues
from newsletter.app.desk import Desk
from newsletter.app.issue import correction_mail, hosted_pictures
from newsletter.config import FILE
from newsletter.errors import FindingsError, NotReadyError
from newsletter.model import Finding, Issue, Level, Rendered
from newsletter.render import look, render


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

    def with_findings(self, more: Iterable[Finding]) -> Built:
        """The same with more findings, errors first."""
        found = (*self.findings, *more)
        return replace(self, findings=tuple(sorted(found, key=lambda f: f.level is Level.WARNING)))


def compose(desk: Desk, issue: date) -> Built:
    """Render and check the issue as its folder is now; writes nothing."""
    return _composed(desk, issues.read_issue(desk.folder, issue))


def _composed(desk: Desk, content: Issue) -> Built:
    rendered = render(content, desk.config)
    accepted = look(desk.config).accepted
    mail = check.Mail(content, rendered, desk.config, dict(accepted), _naming(desk, content))
    return Built(content, rendered, check.run(mail))


def _naming(desk: Desk, content: Issue) -> dict[str, str]:
    """Where each lost picture is named; one that was gathered, where its story is."""
    wanted = {
        of: (of, *(story.article.id for story in content.stories if story.image == of))
        for of in content.pictures.lost
    }
    folder = issues.folder_of(desk.folder, content.date)
    files = (folder / "issue.toml", folder / "note.md", desk.folder / FILE)
    return issues.named_in(files, wanted) if wanted else {}


def build(desk: Desk, issue: date, *, fetch: bool = True) -> Built:
    """Host the issue's pictures, compose it, and write the result into its ``build/``.

    Without ``fetch`` the network is left alone: pictures that are not there yet come later.
    """
    content = issues.read_issue(desk.folder, issue)
    pictures = hosted_pictures.host(desk, content, fetch=fetch)
    built = _composed(desk, replace(content, pictures=pictures))
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


def approve(desk: Desk, issue: date, by: str | None = None, *, seen: str | None = None) -> Built:
    """Approve what was built last, if the folder still says the same and nothing stops it.

    ``seen``: the hash of what somebody has looked at, where that is known.
    """
    from newsletter.store import approvals

    built = compose(desk, issue)
    seen = seen or built_hash(desk, issue)
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
        correction_mail.refuse_undone(connection, desk.name, issue)
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
    """Raise FindingsError where a check found an error."""
    if built.errors:
        lines = "\n".join(
            f"  {f.message}{f' [{f.place}]' if f.place else ''} {f.remedy}" for f in built.errors
        )
        raise FindingsError(
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


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
