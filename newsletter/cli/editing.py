"""build, check, preview, approve, unapprove."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli import progress
from newsletter.cli.common import (
    AsJson,
    IssueArgument,
    context,
    counted,
    emit,
    findings_text,
    note,
)

if TYPE_CHECKING:
    from newsletter.app.issue.build import Built


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (build, check, preview, approve, unapprove):
        app.command()(command)


def build(issue: IssueArgument = None, as_json: AsJson = False) -> None:
    """Render and check the issue into its build/ folder."""
    from newsletter.app.issue import build as issue_build

    desk = context.desk()
    day = desk.issue(issue)
    with progress.asking():
        built = issue_build.build(desk, day)
    if as_json:
        emit({**_facts(built), "folder": str(issue_build.build_folder(desk, day))})
        return
    size = len(built.rendered.html.encode()) / 1024
    print(
        f"Built {day}: {counted(len(built.issue.stories), 'story', 'stories')}, {size:.0f} KB, "
        f"hash {built.rendered.hash[:12]}\n  {issue_build.build_folder(desk, day) / 'email.html'}"
    )
    print(_findings_or_fine(built))


def check(
    issue: IssueArgument = None,
    links: Annotated[
        bool, typer.Option("--links", help="Look at every link, and at the stories' sources, too.")
    ] = False,
    spam: Annotated[
        bool, typer.Option("--spam", help="Ask SpamAssassin, where it is installed, too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with the issue; the exit status is 1 when an error stops it."""
    from newsletter.app.issue import build as issue_build

    desk = context.desk()
    built = issue_build.compose(desk, desk.issue(issue))
    if links:
        from newsletter.app.issue.recheck import look_again

        with progress.asking():
            built = built.with_findings(look_again(desk, built))
    if spam:
        from newsletter.app.issue.spam import findings

        built = built.with_findings(findings(desk, built))
    if as_json:
        emit(_facts(built))
    else:
        print(_findings_or_fine(built))
    if built.errors:
        raise typer.Exit(1)


def preview(
    issue: IssueArgument = None,
    port: Annotated[
        int,
        typer.Option(
            min=0,
            max=65535,
            metavar="PORT",
            help="The port on this machine, or the next free one; 0: any.",
        ),
    ] = 8025,
    browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Open it in the browser.")
    ] = True,
) -> None:
    """Show the issue in a browser on this machine; every save shows at once."""
    from newsletter.web.preview.server import serve

    desk = context.desk()
    serve(desk, desk.issue(issue), port, browser)


def approve(issue: IssueArgument = None, as_json: AsJson = False) -> None:
    """Approve exactly what was built; any later change voids it."""
    from newsletter.app.approval import approve as approval

    desk = context.desk()
    built = approval.approve(desk, desk.issue(issue))
    if as_json:
        emit(_facts(built))
        return
    print(f"Approved {built.issue.name}, hash {built.rendered.hash[:12]}: {built.rendered.subject}")
    if built.findings:
        print(findings_text(built.findings))
    if desk.sent(built.issue.name):
        note(
            f"Issue {built.issue.name} was sent already, and nobody gets it again. "
            f"To mend its page: newsletter correct {built.issue.name}"
        )


def unapprove(issue: IssueArgument = None) -> None:
    """Take the approval back."""
    from newsletter.app.approval import approve as approval

    desk = context.desk()
    day = desk.issue(issue)
    if approval.unapprove(desk, day):
        print(f"The approval of {day} is taken back.")
        if desk.sent(day):
            note(f"Its send has begun, and goes on. To stop it: newsletter pause {day}")
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
