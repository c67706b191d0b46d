"""Approval by a link: signed, for exactly these bytes, once, and not for ever."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import parseaddr
from enum import StrEnum

from newsletter.app.approval import rules
from newsletter.app.desk import Desk
from newsletter.app.issue.build import Built, compose
from newsletter.app.timetable.deadlines import automatic_send_time, send_time
from newsletter.errors import NewsletterError
from newsletter.links import signed_links
from newsletter.links.keyring import keyring
from newsletter.links.signed_links import Approving
from newsletter.model import IssueName
from newsletter.store import approvals, sends
from newsletter.store.approvals import Approval

log = logging.getLogger(__name__)

AT_LEAST = timedelta(days=1)  # a link works so long, also where its issue is late


class LinkState(StrEnum):
    """What a link can do."""

    OPEN = "open"  # it approves
    APPROVED = "approved"  # these bytes are approved, by it or otherwise
    UNKNOWN = "unknown"  # it was not made here, or was changed on the way
    SENT = "sent"
    UNDONE = "undone"  # it is the mail about a correction that was taken back
    CHANGED = "changed"  # the issue is not any more what the link was made for
    USED = "used"  # and its approval was taken back
    EXPIRED = "expired"
    ERRORS = "errors"  # a check found what must be mended first
    BROKEN = "broken"  # the issue cannot be built just now


@dataclass(frozen=True)
class ApprovalLink:
    """A link as somebody follows it.

    ``key`` is the last part of its address; ``says`` is None for one that is unknown, ``built``
    where nothing is shown of the issue. ``sends_at``: when the issue leaves by itself once it is
    approved; None: a person sends it.
    """

    state: LinkState
    key: str
    claims: Approving | None = None
    built: Built | None = None
    approval: Approval | None = None
    sends_at: datetime | None = None

    @property
    def issue(self) -> IssueName | None:
        """The issue that it is about."""
        return self.claims.issue if self.claims else None


def new_link(desk: Desk, issue: IssueName, hash_: str) -> str | None:
    """A new link that approves these bytes; None where there are no public pages.

    Raises ConfigError where the key that signs it cannot be used.
    """
    base = desk.config.newsletter.base_url
    if base is None:
        return None
    ring = keyring(desk.folder)
    return f"{base}/approve/" + signed_links.approval_key(
        ring, desk.name, issue, hash_, expiry(desk, issue)
    )


def expiry(desk: Desk, issue: IssueName) -> datetime:
    """Until when a link that is made now works: as long as an approval lets the issue go out."""
    moment = send_time(desk, issue)
    end = moment + desk.config.schedule.grace if moment else desk.clock()
    return max(end, desk.clock() + AT_LEAST).replace(microsecond=0)


def read_link(desk: Desk, key: str) -> ApprovalLink:
    """What the link can do now; changes nothing."""
    says = signed_links.read_approval(keyring(desk.folder), desk.name, key)
    if says is None:
        return ApprovalLink(LinkState.UNKNOWN, key)
    with desk.reading() as connection:
        record = rules.read_record(connection, desk, says.issue)
        used = approvals.is_used(connection, says.nonce)
    if record.sent:
        return ApprovalLink(LinkState.SENT, key, says)
    if record.withdrawn:
        return ApprovalLink(LinkState.UNDONE, key, says)
    try:
        built = compose(desk, says.issue)
    except NewsletterError as error:
        log.warning("The issue of a link to approve cannot be built: %s", error)
        return ApprovalLink(LinkState.BROKEN, key, says)
    if built.rendered.hash != says.hash:
        return ApprovalLink(LinkState.CHANGED, key, says)
    found = ApprovalLink(
        LinkState.OPEN,
        key,
        says,
        built,
        record.approval,
        automatic_send_time(desk, built.issue.name),
    )
    if record.approval_of(says.hash):
        return replace(found, state=LinkState.APPROVED)
    if used:
        return replace(found, state=LinkState.USED)
    if says.expires <= desk.clock():
        return replace(found, state=LinkState.EXPIRED)
    blocked = rules.approval_obstacle(built, says.hash)
    return replace(found, state=LinkState.ERRORS) if blocked else found


def approve(desk: Desk, key: str) -> ApprovalLink:
    """Approve by the link, if it still may; what it can do, or has done."""
    found = read_link(desk, key)
    if found.state is not LinkState.OPEN or found.claims is None:
        return found
    says, now = found.claims, desk.clock()
    with desk.writing() as connection:
        mine = approvals.use_link(connection, says.nonce, now)
        if mine and sends.find(connection, desk.name, says.issue) is None:
            address = parseaddr(desk.config.alerts_to or "")[1] or desk.name
            by = f"{address}, by a link"[:320]
            approvals.approve(connection, desk.name, says.issue, says.hash, by, now)
            log.info("%s was approved by a link, hash %s", says.issue, says.hash[:12])
    return read_link(desk, key)
