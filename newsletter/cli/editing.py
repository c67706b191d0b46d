"""gather, build, check, preview, approve, unapprove."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli.common import (
    AsJson,
    IssueName,
    context,
    counted,
    emit,
    findings_text,
    note,
    table,
)

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from newsletter.app.editing import Built, Gathering


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (gather, build, check, preview, approve, unapprove):
        app.command()(command)


def gather(
    issue: IssueName = None,
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="Open the window on this day.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Collect the window's articles into the issue's folder, and draft the issue."""
    from newsletter import issues
    from newsletter.app import editing

    desk = context.desk()
    day = issues.parse_name(issue) if issue else desk.next_issue()
    found = editing.gather(desk, day, issues.parse_name(since) if since else None)
    if as_json:
        emit(
            {
                "issue": day.isoformat(),
                "window": [found.gathered.window.start, found.gathered.window.end],
                "articles": len(found.gathered.articles),
                "new": list(found.new),
                "left_out": len(found.gathered.left_out),
                "drafted": found.drafted,
                "sources": [issues.source_out(source) for source in found.gathered.sources],
            }
        )
    else:
        print(_gathered_text(found, day.isoformat(), desk.config.zone))


def build(issue: IssueName = None, as_json: AsJson = False) -> None:
    """Render and check the issue into its build/ folder."""
    from newsletter.app import editing

    desk = context.desk()
    day = desk.issue(issue)
    built = editing.build(desk, day)
    if as_json:
        emit({**_facts(built), "folder": str(editing.build_folder(desk, day))})
        return
    size = len(built.rendered.html.encode()) / 1024
    print(
        f"Built {day}: {counted(len(built.issue.stories), 'story', 'stories')}, {size:.0f} KB, "
        f"hash {built.rendered.hash[:12]}\n  {editing.build_folder(desk, day) / 'email.html'}"
    )
    print(_findings_or_fine(built))


def check(issue: IssueName = None, as_json: AsJson = False) -> None:
    """Say what is wrong with the issue; the exit status is 1 when an error stops it."""
    from newsletter.app import editing

    desk = context.desk()
    built = editing.compose(desk, desk.issue(issue))
    if as_json:
        emit(_facts(built))
    else:
        print(_findings_or_fine(built))
    if built.errors:
        raise typer.Exit(1)


def preview(
    issue: IssueName = None,
    port: Annotated[int, typer.Option(help="The port on this machine; 0: any free one.")] = 8025,
    browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Open it in the browser.")
    ] = True,
) -> None:
    """Show the issue in a browser on this machine; every save shows at once."""
    from newsletter.web.preview import serve

    desk = context.desk()
    serve(desk, desk.issue(issue), port, browser)


def approve(issue: IssueName = None, as_json: AsJson = False) -> None:
    """Approve exactly what was built; any later change voids it."""
    from newsletter.app import editing

    desk = context.desk()
    built = editing.approve(desk, desk.issue(issue))
    if as_json:
        emit(_facts(built))
        return
    print(f"Approved {built.issue.name}, hash {built.rendered.hash[:12]}: {built.rendered.subject}")
    if built.findings:
        print(findings_text(built.findings))


def unapprove(issue: IssueName = None) -> None:
    """Take the approval back."""
    from newsletter.app import editing

    desk = context.desk()
    day = desk.issue(issue)
    if editing.unapprove(desk, day):
        print(f"The approval of {day} is taken back.")
    else:
        note(f"Issue {day} was not approved; nothing was changed.")


def _facts(built: Built) -> dict[str, object]:
    return {
        "issue": built.issue.name,
        "subject": built.rendered.subject,
        "hash": built.rendered.hash,
        "stories": len(built.issue.stories),
        "findings": [asdict(finding) for finding in built.findings],
    }


def _findings_or_fine(built: Built) -> str:
    if not built.findings:
        return f"Nothing stands in the way of {built.issue.name}."
    return findings_text(built.findings)


def _gathered_text(found: Gathering, issue: str, zone: ZoneInfo) -> str:
    """What an editor wants to know after a gather."""
    gathered = found.gathered
    start, end = (m.astimezone(zone) for m in (gathered.window.start, gathered.window.end))
    reasons = Counter(left.reason for left in gathered.left_out)
    why = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
    lines = [
        f"Gathered {counted(len(gathered.articles), 'article')} for {issue} "
        f"({start:%b %d %H:%M} to {end:%b %d %H:%M} {end.tzname()}), "
        f"{len(found.new)} of them new; left out: {why or 'none'}.",
        table(
            (source.status.value, source.name, counted(source.articles, "article"))
            for source in gathered.sources
        ),
    ]
    lines += [f"  {s.name}: {s.reason}" for s in gathered.sources if s.reason]
    if found.drafted:
        lines.append(f"Drafted {found.folder / 'issue.toml'}; write your note in note.md.")
    elif found.new:
        lines.append("issue.toml is yours and was not touched. New, to be added there by id:")
        by_id = {article.id: article for article in gathered.articles}
        lines.append(table((id_, by_id[id_].title) for id_ in found.new))
    return "\n".join(lines)
