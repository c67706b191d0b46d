"""report: an issue's figures as text, JSON, CSV or a page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter.cli.output import AsJson, SentIssue, context, counted, emit, note, table

if TYPE_CHECKING:
    from newsletter.app import Desk
    from newsletter.app.feedback.figures import Figures, LinkClicks, PeopleAndMachines
    from newsletter.model import IssueName

MAX_PRINTED = 20  # links
PAGE = "report-{issue}.html"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(report)


def report(
    issue: SentIssue = None,
    html: Annotated[
        bool, typer.Option("--html", help="Write a page with charts; --to names the file.")
    ] = False,
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="FILE", help="The file for the page; - prints it."),
    ] = None,
    readers: Annotated[
        bool,
        typer.Option("--readers", help="Who opened and clicked, as CSV, if that is stored."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show an issue's figures: deliveries, unsubscribes, clicked stories."""
    from newsletter.app.feedback import figures
    from newsletter.app.send import receipts
    from newsletter.errors import UsageError

    if (to and not html) or sum((html, readers)) > 1 or (html and as_json):
        raise UsageError("Use only one of --html (with --to FILE), --readers and --json.")
    desk = context.desk()
    name = receipts.requested_issue(desk, issue)
    if readers:
        _write_readers(desk, name, as_json)
        return
    result = figures.compute(desk, name)
    if html:
        _write_page(desk, result, to)
    elif as_json:
        emit(as_document(result))
    else:
        print(_text(result))
        for remark in result.notes:
            note(remark)


def _write_page(desk: Desk, result: Figures, to: Path | None) -> None:
    from newsletter.app.feedback.figures_page import page
    from newsletter.issues import write_atomically

    content = page(desk, result)
    if to == Path("-"):
        sys.stdout.write(content)
        return
    path = to or desk.folder / PAGE.format(issue=result.issue)
    write_atomically(path, content.encode())
    print(f"The figures of {result.issue} are in {path}.")


def _write_readers(desk: Desk, name: IssueName, as_json: bool) -> None:
    from newsletter import subscriber_csv
    from newsletter.app.feedback import figures

    columns = ("email", "opens", "clicks", "last")
    with figures.readers(desk, name) as readers:
        if as_json:
            emit([dict(zip(columns, (*r[:3], r.last.isoformat()), strict=True)) for r in readers])
            return
        rows = ((r.email, str(r.opens), str(r.clicks), r.last.isoformat()) for r in readers)
        subscriber_csv.write(sys.stdout, columns, rows)


def _text(result: Figures) -> str:
    rows = [("accepted by the provider", f"{result.receipt.accepted:,}", "")]
    if result.delivered is not None:
        rows.append(("delivered", f"{result.delivered:,}", _rate(result, "delivered")))
    if result.reported:
        rows += [
            ("still tried", f"{result.deferred:,}", ""),
            ("hard bounces", f"{result.hard_bounces:,}", ""),
            ("soft bounces", f"{result.soft_bounces:,}", ""),
            ("not tried by the provider", f"{result.dropped:,}", ""),
            ("no news yet", f"{result.nothing_yet:,}", ""),
            ("complained", f"{result.complained:,}", _rate(result, "complained")),
        ]
    rows.append(("unsubscribed since", f"{result.unsubscribed:,}", _rate(result, "left")))
    for name, counts in (("opened", result.opens), ("clicked", result.clicks)):
        if counts is not None:
            people, machines = f"{counts.people.readers:,}", f"{counts.machines.readers:,}"
            rows.append((f"{name}, by people", people, _rate(result, name)))
            rows.append((f"{name}, by machines", machines, ""))
    widest = max(len(row[1]) for row in rows)
    rows_text = table((name, number.rjust(widest), rate) for name, number, rate in rows)
    parts = [f"Figures of {result.issue}: {result.subject}\n{rows_text}"]
    parts += [_links("Stories", result.stories), _links("Other links", result.other_links)]
    return "\n\n".join(part for part in parts if part)


def _rate(result: Figures, name: str) -> str:
    rate = result.rates.get(name)
    return f"{rate.share:.1%} {rate.of}" if rate else ""


def _links(title: str, links: tuple[LinkClicks, ...]) -> str:
    if not links:
        return ""
    rows = [
        (
            f"{link.clicks.people.readers:>7,}",
            link.title or link.link,
            f"(and machines for {counted(link.clicks.machines.readers, 'reader')})"
            if link.clicks.machines.readers
            else "",
        )
        for link in links[:MAX_PRINTED]
    ]
    more = f"\n  … and {len(links) - MAX_PRINTED} more: --json" if len(links) > MAX_PRINTED else ""
    return f"{title}, by readers who clicked them\n{table(rows)}{more}"


def as_document(result: Figures) -> dict[str, Any]:
    """The figures for ``--json``; null for what is unknown."""
    receipt, reported = result.receipt, result.reported
    return {
        "issue": result.issue,
        "subject": result.subject,
        "sent_at": result.sent_at.isoformat(),
        "accepted": receipt.accepted,
        "delivered": result.delivered,
        "deferred": result.deferred if reported else None,
        "bounced": {"hard": result.hard_bounces, "soft": result.soft_bounces} if reported else None,
        "dropped": result.dropped if reported else None,
        "nothing_yet": result.nothing_yet if reported else None,
        "complained": result.complained if reported else None,
        "unsubscribed": result.unsubscribed,
        "opens": _people_and_machines(result.opens),
        "clicks": _people_and_machines(result.clicks),
        "rates": {
            name: {"share": round(rate.share, 6), "of": rate.of}
            for name, rate in result.rates.items()
        },
        "stories": [_link_json(link) for link in result.stories],
        "other_links": [_link_json(link) for link in result.other_links],
        "list_growth": [{"day": day, "readers": count} for day, count in result.list_growth],
        "per_reader": result.per_reader,
        "notes": list(result.notes),
    }


def _people_and_machines(counts: PeopleAndMachines | None) -> dict[str, Any] | None:
    if counts is None:
        return None
    return {
        who: {"readers": count.readers, "times": count.times}
        for who, count in (("people", counts.people), ("machines", counts.machines))
    }


def _link_json(link: LinkClicks) -> dict[str, Any]:
    return {"link": link.link, "title": link.title, "clicks": _people_and_machines(link.clicks)}
