"""The whole pipeline: sources → gather → draft → build → check → approve → send → receipt.

The demo runs all of it at once. In a newsroom each step has its own time, and commands, timetable
and pages call the same functions.
"""

from __future__ import annotations

from collections.abc import Callable

from newsletter.app.approval import rules
from newsletter.app.approval.approve import approve
from newsletter.app.approval.test_mail import describe_destination, send_test
from newsletter.app.desk import Desk
from newsletter.app.issue.build import build
from newsletter.app.issue.gather import draft, gather
from newsletter.app.send.plan import plan
from newsletter.app.send.send import send
from newsletter.model import IssueName, Receipt


def publish(desk: Desk, issue: IssueName, report: Callable[[str], None]) -> Receipt:
    """Take an issue from its sources to its readers. ``report`` gets a sentence for each step."""
    gathering = gather(desk, issue)
    articles, sources = gathering.gathered.articles, gathering.gathered.sources
    report(f"Gathered {len(articles)} articles from {len(sources)} sources.")

    draft(desk, issue, gathering)
    built = build(desk, issue)
    kilobytes = len(built.rendered.html.encode()) / 1024
    stories = len(built.issue.stories)
    report(f"Built the issue of {issue}: {stories} stories, {kilobytes:.0f} KB of HTML.")

    rules.raise_for(rules.error_obstacle(built, "sent"))
    report(f"Checked it: no errors, {len(built.findings)} warnings.")

    address, _ = send_test(desk, issue)
    report(f"The test {describe_destination(desk, address)}.")

    approve(desk, issue)
    report(f"Approved exactly these bytes: hash {built.rendered.hash[:12]}.")

    receipt = send(desk, plan(desk, issue))
    report(f"Sent it to the list: {receipt.accepted} accepted.")
    return receipt
