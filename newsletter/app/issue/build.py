"""Build an issue: its folder rendered and checked, as it would be mailed now."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from newsletter import check, issues
from newsletter.app.desk import Desk
from newsletter.app.issue import hosted_pictures
from newsletter.config import FILE
from newsletter.model import Finding, Issue, IssueName, Level, Rendered
from newsletter.render import render, template_settings


@dataclass(frozen=True)
class Built:
    """An issue as it would be mailed now, with the findings of the checks."""

    issue: Issue
    rendered: Rendered
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that stop a send."""
        return tuple(f for f in self.findings if f.level is Level.ERROR)

    def with_findings(self, more: Iterable[Finding]) -> Built:
        """The same build with more findings, errors first."""
        findings = (*self.findings, *more)
        return replace(
            self, findings=tuple(sorted(findings, key=lambda f: f.level is Level.WARNING))
        )


def compose(desk: Desk, issue: IssueName) -> Built:
    """Render and check the issue as its folder is now, without writing anything."""
    return _compose(desk, desk.read_issue(issue))


def _compose(desk: Desk, content: Issue) -> Built:
    rendered = render(content, desk.config)
    accepted = template_settings(desk.config).accepted
    mail = check.Mail(
        content, rendered, desk.config, dict(accepted), _lost_picture_places(desk, content)
    )
    return Built(content, rendered, check.run(mail))


def _lost_picture_places(desk: Desk, content: Issue) -> dict[str, str]:
    """File and line that name each lost picture, or its story if it was gathered."""
    names = {
        of: (of, *(story.article.id for story in content.stories if story.image == of))
        for of in content.pictures.lost
    }
    folder = issues.folder_of(desk.folder, content.name)
    files = (folder / "issue.toml", folder / "note.md", desk.folder / FILE)
    return issues.named_in(files, names) if names else {}


def build(desk: Desk, issue: IssueName, *, fetch: bool = True) -> Built:
    """Resize the issue's pictures, render and check it, and write the result to ``build/``.

    Without ``fetch`` nothing is read from the network; missing pictures come later.
    """
    content = desk.read_issue(issue)
    pictures = hosted_pictures.host(desk, content, fetch=fetch)
    built = _compose(desk, replace(content, pictures=pictures))
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


def built_hash(desk: Desk, issue: IssueName) -> str | None:
    """The hash of the last build, or None."""
    path = build_folder(desk, issue) / "email.json"
    try:
        hash_: str = json.loads(path.read_text(encoding="utf-8"))["hash"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return hash_


def build_folder(desk: Desk, issue: IssueName) -> Path:
    """The folder of the issue's built mail."""
    return issues.folder_of(desk.folder, issue) / "build"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
