"""Approve what was built, and withdraw an approval."""

from __future__ import annotations

from newsletter.app.approval import rules
from newsletter.app.desk import Desk
from newsletter.app.issue import correction_mail
from newsletter.app.issue.build import Built, built_hash, compose
from newsletter.model import IssueName
from newsletter.store import approvals


def approve(
    desk: Desk, issue: IssueName, by: str | None = None, *, seen: str | None = None
) -> Built:
    """Approve the last build, if the folder still gives the same bytes and no check finds an error.

    ``by``: who approves, by default the editor. ``seen``: the hash of what the person saw, by
    default that of the last build. Raises NotReadyError if the bytes differ, FindingsError if a
    check finds an error.
    """
    built = compose(desk, issue)
    rules.raise_for(rules.approval_obstacle(built, seen or built_hash(desk, issue)))
    with desk.writing() as connection:
        correction_mail.refuse_withdrawn(connection, desk.name, issue)
        approvals.approve(
            connection,
            desk.name,
            issue,
            built.rendered.hash,
            by or desk.config.editor.email or "the command line",
            desk.clock(),
        )
    return built


def unapprove(desk: Desk, issue: IssueName) -> bool:
    """Withdraw the approval. Returns False if there was none."""
    with desk.writing() as connection:
        return approvals.withdraw(connection, desk.name, issue)
