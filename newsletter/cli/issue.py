"""build, check, preview, approve, unapprove."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli import progress
from newsletter.cli.output import AsJson, IssueArgument, context, counted, emit, findings_text, note

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
    name = desk.issue(issue)
    with progress.interruptible():
        built = issue_build.build(desk, name)
    if as_json:
        emit({**_facts(built), "folder": str(issue_build.build_folder(desk, name))})
        return
    size = len(built.rendered.html.encode()) / 1024
    print(
        f"Built {name}: {counted(len(built.issue.stories), 'story', 'stories')}, {size:.0f} KB, "
        f"hash {built.rendered.hash[:12]}\n  {issue_build.build_folder(desk, name) / 'email.html'}"
    )
    print(_findings_text(built))


def check(
    issue: IssueArgument = None,
    links: Annotated[
        bool, typer.Option("--links", help="Also check every link and the stories' sources.")
    ] = False,
    spam: Annotated[
        bool, typer.Option("--spam", help="Also ask SpamAssassin, if it is installed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the findings of the checks; exit status 1 if there is an error."""
    from newsletter.app.issue import build as issue_build

    desk = context.desk()
    built = issue_build.compose(desk, desk.issue(issue))
    if links:
        from newsletter.app.issue.recheck import recheck_issue

        with progress.interruptible():
            built = built.with_findings(recheck_issue(desk, built))
    if spam:
        from newsletter.app.issue.spam import findings

        built = built.with_findings(findings(desk, built))
    if as_json:
        emit(_facts(built))
    else:
        print(_findings_text(built))
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
            help="The port on this machine, or the next free one. 0: any.",
        ),
    ] = 8025,
    browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the browser.")] = True,
) -> None:
    """Show the issue in a browser on this machine; it follows every save."""
    from newsletter.web.preview.server import serve

    desk = context.desk()
    serve(desk, desk.issue(issue), port, browser)


def approve(issue: IssueArgument = None, as_json: AsJson = False) -> None:
    """Approve exactly what was built; any later change voids the approval."""
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
            f"Issue {built.issue.name} was already sent; nobody gets it again. "
            f"To correct its page: newsletter correct {built.issue.name}"
        )


def unapprove(issue: IssueArgument = None) -> None:
    """Withdraw the approval."""
    from newsletter.app.approval import approve as approval

    desk = context.desk()
    name = desk.issue(issue)
    if approval.unapprove(desk, name):
        print(f"Withdrew the approval of {name}.")
        if desk.sent(name):
            note(f"Its send has started and continues. To stop it: newsletter pause {name}")
    else:
        note(f"Issue {name} was not approved; nothing changed.")


def _facts(built: Built) -> dict[str, object]:
    return {
        "issue": built.issue.name,
        "subject": built.rendered.subject,
        "hash": built.rendered.hash,
        "stories": len(built.issue.stories),
        "findings": [asdict(finding) for finding in built.findings],
    }


def _findings_text(built: Built) -> str:
    if not built.findings:
        return f"No findings for {built.issue.name}."
    return findings_text(built.findings)
