"""gather, refresh, sources."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from newsletter.cli import progress
from newsletter.cli.output import AsJson, IssueArgument, context, counted, emit, note, table

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from newsletter.app.issue.gather import Gathering
    from newsletter.app.issue.source_list import SourceEntry
    from newsletter.gather.discovery import DiscoveredSource
    from newsletter.model import IssueName


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(gather)
    app.command()(refresh)
    sources = typer.Typer(help="The sources and their health; add one by its address.")
    sources.callback(invoke_without_command=True)(_list)
    sources.command()(add)
    app.add_typer(sources, name="sources")


def gather(
    issue: IssueArgument = None,
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="Start the window on this day.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Gather the window's articles into the issue's folder, and draft the issue."""
    from newsletter import issues
    from newsletter.app.issue import gather as issue_gather
    from newsletter.app.timetable import moves

    desk = context.desk()
    name = issues.parse_name(issue) if issue else desk.next_issue()
    start = issues.parse_day(since, "--since") if since else None
    with progress.interruptible():
        gathering = issue_gather.gather(desk, name, start)
        drafted = issue_gather.draft(desk, name, gathering)
    if as_json:
        emit(
            {
                "issue": str(name),
                "window": [gathering.gathered.window.start, gathering.gathered.window.end],
                "articles": len(gathering.gathered.articles),
                "new": list(gathering.new),
                "left_out": len(gathering.gathered.left_out),
                "drafted": drafted,
                "sources": [issues.source_out(source) for source in gathering.gathered.sources],
            }
        )
    else:
        print(_gathered_text(gathering, drafted, name, desk.config.zone))
    if not moves.is_scheduled(desk, name):
        note(
            f"The timetable has no issue {name}, so it is not sent by itself. Send it with: "
            f"newsletter send {name}"
        )


def refresh(issue: IssueArgument = None, as_json: AsJson = False) -> None:
    """Adopt headlines that changed at their sources; your own headlines stay."""
    from newsletter.app.issue import recheck

    desk = context.desk()
    name = desk.issue(issue)
    with progress.interruptible():
        changes = recheck.refresh(desk, name)
    if as_json:
        emit(
            [
                {"id": c.story.article.id, "before": c.story.article.title, "now": c.now}
                for c in changes
            ]
        )
    elif not changes:
        print(f"Every headline of {name} is the same as at its source.")
    else:
        for change in changes:
            print(f"“{change.story.article.title}”\n  is now “{change.now}”")
        print(f"Read it and approve it again: newsletter build {name}, newsletter approve {name}")


def _list(context_: typer.Context, as_json: AsJson = False) -> None:
    """List the sources with their health at the last gather."""
    from newsletter.app.issue import source_list

    if context_.invoked_subcommand:
        return
    desk = context.desk()
    entries = source_list.listed(desk)
    if as_json:
        emit([_source_json(entry) for entry in entries])
        return
    print(table(_row(entry, desk.config.zone) for entry in entries))
    for entry in entries:
        if entry.health and entry.health.reason:
            print(f"  {entry.options.name}: {entry.health.summary}")


def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="A site, a feed, a sitemap, a page.")],
    kind: Annotated[
        str | None,
        typer.Option("--type", metavar="TYPE", help="Which kind to add, if the site has several."),
    ] = None,
    section: Annotated[
        str | None, typer.Option(metavar="TITLE", help="The section of its stories.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find the source at an address, and add it to newsletter.toml."""
    from newsletter.app.issue import source_list

    with progress.interruptible():
        added = source_list.add(context.desk(), url, kind, section)
    if as_json:
        emit(
            {
                "added": _discovered_json(added.source),
                "others": list(map(_discovered_json, added.others)),
            }
        )
        return
    print(f"Added to newsletter.toml ({_discovered_text(added.source)}):\n\n{added.block}")
    for other in added.others:
        note(f"Also there: {other.type} {other.url} ({_discovered_text(other)})")


def _row(entry: SourceEntry, zone: ZoneInfo) -> tuple[str, ...]:
    health, options = entry.health, entry.options
    if health is None:
        return ("not gathered yet", options.type, options.name, "", "")
    since = f"since {health.since.astimezone(zone):%Y-%m-%d %H:%M}" if health.since else ""
    count = counted(health.articles, "article")
    return (health.status.value, options.type, options.name, count, since)


def _source_json(entry: SourceEntry) -> dict[str, object]:
    from newsletter import issues

    options = entry.options
    if entry.health:
        return issues.source_out(entry.health)
    return {
        options.key: options.name,
        "type": options.type,
        "section": options.section,
        "status": None,
        "reason": None,
        "since": None,
        "articles": None,
    }


def _discovered_json(source: DiscoveredSource) -> dict[str, object]:
    return {
        "type": source.type,
        "url": source.url,
        "title": source.title,
        "articles": source.articles,
        "newest": source.newest,
    }


def _discovered_text(source: DiscoveredSource) -> str:
    newest = f", newest {source.newest:%Y-%m-%d}" if source.newest else ""
    return f"{source.title or source.url}: {counted(source.articles, 'article')}{newest}"


def _gathered_text(gathering: Gathering, drafted: bool, issue: IssueName, zone: ZoneInfo) -> str:
    """A gather's summary for the editor."""
    gathered = gathering.gathered
    start, end = (m.astimezone(zone) for m in (gathered.window.start, gathered.window.end))
    reasons = Counter(left.reason for left in gathered.left_out)
    why = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common())
    lines = [
        f"Gathered {counted(len(gathered.articles), 'article')} for {issue} "
        f"({start:%b %d %H:%M} to {end:%b %d %H:%M} {end.tzname()}), "
        f"{len(gathering.new)} of them new; left out: {why or 'none'}.",
        table(
            (source.status.value, source.name, counted(source.articles, "article"))
            for source in gathered.sources
        ),
    ]
    lines += [f"  {s.name}: {s.summary}" for s in gathered.sources if s.reason]
    if drafted:
        lines.append(
            f"Drafted {gathering.folder / 'issue.toml'}; write your note in note.md. "
            f"Preview both with: newsletter preview {issue}"
        )
    elif gathering.new:
        lines.append(
            "issue.toml is yours and was not changed. New articles, which you can add by id:"
        )
        by_id = {article.id: article for article in gathered.articles}
        lines.append(table((id_, by_id[id_].title) for id_ in gathering.new))
    return "\n".join(lines)
