"""gather, refresh, sources."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli import progress
from newsletter.cli.common import AsJson, IssueArgument, context, counted, emit, note, table

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from newsletter.app.issue.gather import Gathering
    from newsletter.app.issue.source_list import Listed
    from newsletter.gather.discovery import Found
    from newsletter.model import IssueName


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(gather)
    app.command()(refresh)
    sources = typer.Typer(help="The sources and their health; add one by its address.")
    sources.callback(invoke_without_command=True)(_listed)
    sources.command()(add)
    app.add_typer(sources, name="sources")


def gather(
    issue: IssueArgument = None,
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="Open the window on this day.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Collect the window's articles into the issue's folder, and draft the issue."""
    from newsletter import issues
    from newsletter.app.issue import gather as issue_gather
    from newsletter.app.timetable import moves

    desk = context.desk()
    day = issues.parse_name(issue) if issue else desk.next_issue()
    opened = issues.parse_day(since, "--since") if since else None
    with progress.asking():
        found = issue_gather.gather(desk, day, opened)
        drafted = issue_gather.draft(desk, day, found)
    if as_json:
        emit(
            {
                "issue": str(day),
                "window": [found.gathered.window.start, found.gathered.window.end],
                "articles": len(found.gathered.articles),
                "new": list(found.new),
                "left_out": len(found.gathered.left_out),
                "drafted": drafted,
                "sources": [issues.source_out(source) for source in found.gathered.sources],
            }
        )
    else:
        print(_gathered_text(found, drafted, day, desk.config.zone))
    if not moves.has(desk, day):
        note(
            f"The timetable has no issue {day}, so nothing sends it by itself. Send it with: "
            f"newsletter send {day}"
        )


def refresh(issue: IssueArgument = None, as_json: AsJson = False) -> None:
    """Take over the headlines that changed at their sources; your own stay."""
    from newsletter.app.issue import recheck

    desk = context.desk()
    day = desk.issue(issue)
    with progress.asking():
        changes = recheck.refresh(desk, day)
    if as_json:
        emit(
            [
                {"id": c.story.article.id, "before": c.story.article.title, "now": c.now}
                for c in changes
            ]
        )
    elif not changes:
        print(f"Every story of {day} has the headline that its source has.")
    else:
        for change in changes:
            print(f"“{change.story.article.title}”\n  is now “{change.now}”")
        print(f"Look at it and approve it again: newsletter build {day}, newsletter approve {day}")


def _listed(context_: typer.Context, as_json: AsJson = False) -> None:
    """List the sources with their health at the last gather."""
    from newsletter.app.issue import source_list

    if context_.invoked_subcommand:
        return
    desk = context.desk()
    found = source_list.listed(desk)
    if as_json:
        emit([_source_json(each) for each in found])
        return
    print(table(_row(each, desk.config.zone) for each in found))
    for each in found:
        if each.report and each.report.reason:
            print(f"  {each.options.name}: {each.report.said}")


def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="A site, a feed, a sitemap, a page.")],
    kind: Annotated[
        str | None, typer.Option("--type", metavar="TYPE", help="Where a site has several.")
    ] = None,
    section: Annotated[
        str | None, typer.Option(metavar="TITLE", help="The section of its stories.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find out what is at an address, and write it into newsletter.toml."""
    from newsletter.app.issue import source_list

    with progress.asking():
        added = source_list.add(context.desk(), url, kind, section)
    if as_json:
        emit({"added": _found_json(added.found), "others": list(map(_found_json, added.others))})
        return
    print(f"Added to newsletter.toml ({_found_text(added.found)}):\n\n{added.block}")
    for other in added.others:
        note(f"There is also: {other.type} {other.url} ({_found_text(other)})")


def _row(listed: Listed, zone: ZoneInfo) -> tuple[str, ...]:
    report, options = listed.report, listed.options
    if report is None:
        return ("not gathered yet", options.type, options.name, "", "")
    since = f"since {report.since.astimezone(zone):%Y-%m-%d %H:%M}" if report.since else ""
    count = counted(report.articles, "article")
    return (report.status.value, options.type, options.name, count, since)


def _source_json(listed: Listed) -> dict[str, object]:
    from newsletter import issues

    options = listed.options
    if listed.report:
        return issues.source_out(listed.report)
    return {
        options.key: options.name,
        "type": options.type,
        "section": options.section,
        "status": None,
        "reason": None,
        "since": None,
        "articles": None,
    }


def _found_json(found: Found) -> dict[str, object]:
    return {
        "type": found.type,
        "url": found.url,
        "title": found.title,
        "articles": found.articles,
        "newest": found.newest,
    }


def _found_text(found: Found) -> str:
    newest = f", the newest of {found.newest:%Y-%m-%d}" if found.newest else ""
    return f"{found.title or found.url}: {counted(found.articles, 'article')}{newest}"


def _gathered_text(found: Gathering, drafted: bool, issue: IssueName, zone: ZoneInfo) -> str:
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
    lines += [f"  {s.name}: {s.said}" for s in gathered.sources if s.reason]
    if drafted:
        lines.append(
            f"Drafted {found.folder / 'issue.toml'}; write your note in note.md. "
            f"Look at both with: newsletter preview {issue}"
        )
    elif found.new:
        lines.append("issue.toml is yours and was not touched. New, to be added there by id:")
        by_id = {article.id: article for article in gathered.articles}
        lines.append(table((id_, by_id[id_].title) for id_ in found.new))
    return "\n".join(lines)
