"""report: an issue in figures, for people, for programs, and as a page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsletter.cli.common import AsJson, SentIssue, context, counted, emit, note, table

if TYPE_CHECKING:
    from newsletter.app import Desk
    from newsletter.app.feedback.figures import Apart, Followed, Report
    from newsletter.model import IssueName

SHOWN = 20  # links that are printed
PAGE = "report-{issue}.html"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(report)


def report(
    issue: SentIssue = None,
    html: Annotated[
        bool, typer.Option("--html", help="Write a page with plots; --to says where.")
    ] = False,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE", help="Where the page goes; - prints it.")
    ] = None,
    readers: Annotated[
        bool,
        typer.Option("--readers", help="Who opened and clicked, as CSV, where that is kept."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say what became of an issue: what arrived, who left, which stories were followed."""
    from newsletter.app.feedback import figures
    from newsletter.app.send import receipts
    from newsletter.errors import UsageError

    if (to and not html) or sum((html, readers)) > 1 or (html and as_json):
        raise UsageError("Say one of --html (with --to FILE), --readers and --json.")
    desk = context.desk()
    day = receipts.meant(desk, issue)
    if readers:
        _write_readers(desk, day, as_json)
        return
    found = figures.report(desk, day)
    if html:
        _write_page(desk, found, to)
    elif as_json:
        emit(as_document(found))
    else:
        print(_text(found))
        for words in found.notes:
            note(words)


def _write_page(desk: Desk, found: Report, to: Path | None) -> None:
    from newsletter.app.feedback.figures_page import page
    from newsletter.issues import write_atomically

    content = page(desk, found)
    if to == Path("-"):
        sys.stdout.write(content)
        return
    path = to or desk.folder / PAGE.format(issue=found.issue)
    write_atomically(path, content.encode())
    print(f"The report on {found.issue} is in {path}.")


def _write_readers(desk: Desk, day: IssueName, as_json: bool) -> None:
    from newsletter import subscriber_csv
    from newsletter.app.feedback import figures

    columns = ("email", "opens", "clicks", "last")
    with figures.readers(desk, day) as found:
        if as_json:
            emit([dict(zip(columns, (*r[:3], r.last.isoformat()), strict=True)) for r in found])
            return
        rows = ((r.email, str(r.opens), str(r.clicks), r.last.isoformat()) for r in found)
        subscriber_csv.write(sys.stdout, columns, rows)


def _text(found: Report) -> str:
    rows = [("accepted by the provider", f"{found.receipt.accepted:,}", "")]
    if found.delivered is not None:
        rows.append(("delivered", f"{found.delivered:,}", _rate(found, "delivered")))
    if found.reported:
        rows += [
            ("still tried", f"{found.deferred:,}", ""),
            ("came back for good", f"{found.bounced:,}", ""),
            ("came back for now", f"{found.blocked:,}", ""),
            ("not tried by the provider", f"{found.dropped:,}", ""),
            ("no word yet", f"{found.nothing_yet:,}", ""),
            ("complained", f"{found.complained:,}", _rate(found, "complained")),
        ]
    rows.append(("left the list since", f"{found.left:,}", _rate(found, "left")))
    for name, what in (("opened", found.opens), ("clicked", found.clicks)):
        if what is not None:
            people, machines = f"{what.people.readers:,}", f"{what.machines.readers:,}"
            rows.append((f"{name}, by people", people, _rate(found, name)))
            rows.append((f"{name}, by machines", machines, ""))
    widest = max(len(row[1]) for row in rows)
    said = table((name, number.rjust(widest), rate) for name, number, rate in rows)
    parts = [f"Report on {found.issue}: {found.subject}\n{said}"]
    parts += [_links("Stories", found.stories), _links("Other links", found.others)]
    return "\n\n".join(part for part in parts if part)


def _rate(found: Report, name: str) -> str:
    rate = found.rates.get(name)
    return f"{rate.share:.1%} {rate.of}" if rate else ""


def _links(title: str, links: tuple[Followed, ...]) -> str:
    if not links:
        return ""
    rows = [
        (
            f"{link.clicks.people.readers:>7,}",
            link.title or link.link,
            f"(and machines of {counted(link.clicks.machines.readers, 'reader')})"
            if link.clicks.machines.readers
            else "",
        )
        for link in links[:SHOWN]
    ]
    more = f"\n  … and {len(links) - SHOWN} more: --json" if len(links) > SHOWN else ""
    return f"{title}, by readers who followed them\n{table(rows)}{more}"


def as_document(found: Report) -> dict[str, Any]:
    """The figures as one JSON document; what is not known is null."""
    receipt, known = found.receipt, found.reported
    return {
        "issue": found.issue,
        "subject": found.subject,
        "sent_at": found.sent_at.isoformat(),
        "accepted": receipt.accepted,
        "delivered": found.delivered,
        "deferred": found.deferred if known else None,
        "bounced": {"hard": found.bounced, "soft": found.blocked} if known else None,
        "dropped": found.dropped if known else None,
        "nothing_yet": found.nothing_yet if known else None,
        "complained": found.complained if known else None,
        "unsubscribed": found.left,
        "opens": _apart(found.opens),
        "clicks": _apart(found.clicks),
        "rates": {
            name: {"share": round(rate.share, 6), "of": rate.of}
            for name, rate in found.rates.items()
        },
        "stories": [_followed(link) for link in found.stories],
        "other_links": [_followed(link) for link in found.others],
        "list_growth": [{"day": day, "readers": count} for day, count in found.growth],
        "per_reader": found.per_reader,
        "notes": list(found.notes),
    }


def _apart(apart: Apart | None) -> dict[str, Any] | None:
    if apart is None:
        return None
    return {
        who: {"readers": count.readers, "times": count.times}
        for who, count in (("people", apart.people), ("machines", apart.machines))
    }


def _followed(link: Followed) -> dict[str, Any]:
    return {"link": link.link, "title": link.title, "clicks": _apart(link.clicks)}
