"""Approval links: signed, for exactly one version of the mail, once, and for a limited time."""

from __future__ import annotations

import logging
from dataclasses import dataclass
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
from newsletter.links.signed_links import ApprovalClaim
from newsletter.model import IssueName
from newsletter.store import approvals, sends
from newsletter.store.approvals import Approval

log = logging.getLogger(__name__)

MIN_VALIDITY = timedelta(days=1)  # even if the issue is late


class LinkState(StrEnum):
    """What an approval link can do; its value is part of a key of the fixed words."""

    OPEN = "open"  # it approves
    APPROVED = "approved"  # these bytes are approved, with this link or otherwise
    UNKNOWN = "unknown"  # it was not made here, or was changed on the way
    SENT = "sent"  # the send was started
    WITHDRAWN = "undone"  # it is for a correction mail whose correction was undone
    CHANGED = "changed"  # the issue has changed since the link was made
    USED = "used"  # it was used, and the approval was withdrawn
    EXPIRED = "expired"
    ERRORS = "errors"  # a check found an error
    BROKEN = "broken"  # the issue cannot be built


@dataclass(frozen=True)
class ApprovalLink:
    """An approval link that somebody has opened."""

    state: LinkState
    key: str  # the last part of its address
    claims: ApprovalClaim | None = None  # what its signature covers; None if the link is unknown
    built: Built | None = None  # the mail to show; None if the page shows none
    approval: Approval | None = None
    sends_at: datetime | None = None
    """When the timetable sends the issue once it is approved; None: a person sends it."""

    @property
    def issue(self) -> IssueName | None:
        """The issue that it approves; None if the link is unknown."""
        return self.claims.issue if self.claims else None


def new_link(desk: Desk, issue: IssueName, hash_: str) -> str | None:
    """The address of a new link that approves these bytes; None without ``base_url``.

    Raises ConfigError if the signing key cannot be used.
    """
    base = desk.config.newsletter.base_url
    if base is None:
        return None
    ring = keyring(desk.folder)
    return f"{base}/approve/" + signed_links.approval_key(
        ring, desk.name, issue, hash_, expiry(desk, issue)
    )


def expiry(desk: Desk, issue: IssueName) -> datetime:
    """When a link made now expires: at the end of the issue's grace, but not within a day."""
    moment = send_time(desk, issue)
    end = moment + desk.config.schedule.grace if moment else desk.clock()
    return max(end, desk.clock() + MIN_VALIDITY).replace(microsecond=0)


def read_link(desk: Desk, key: str) -> ApprovalLink:
    """What the link can do now. Changes nothing."""
    claims = signed_links.read_approval(keyring(desk.folder), desk.name, key)
    if claims is None:
        return ApprovalLink(LinkState.UNKNOWN, key)
    with desk.reading() as connection:
        record = rules.read_record(connection, desk, claims.issue)
        is_used = approvals.is_link_used(connection, claims.nonce)
    if record.sent:
        return ApprovalLink(LinkState.SENT, key, claims)
    if record.withdrawn:
        return ApprovalLink(LinkState.WITHDRAWN, key, claims)
    try:
        built = compose(desk, claims.issue)
    except NewsletterError as error:
        log.warning("The issue of an approval link cannot be built: %s", error)
        return ApprovalLink(LinkState.BROKEN, key, claims)
    if built.rendered.hash != claims.hash:
        return ApprovalLink(LinkState.CHANGED, key, claims)
    if record.approval_of(claims.hash):
        state = LinkState.APPROVED
    elif is_used:
        state = LinkState.USED
    elif claims.expires <= desk.clock():
        state = LinkState.EXPIRED
    elif rules.approval_obstacle(built, claims.hash):
        state = LinkState.ERRORS
    else:
        state = LinkState.OPEN
    sends_at = automatic_send_time(desk, claims.issue)
    return ApprovalLink(state, key, claims, built, record.approval, sends_at)


def approve(desk: Desk, key: str) -> ApprovalLink:
    """Approve with the link if it still can, and return what it can do afterwards."""
    link = read_link(desk, key)
    if link.state is not LinkState.OPEN or link.claims is None:
        return link
    claims, now = link.claims, desk.clock()
    with desk.writing() as connection:
        is_first_use = approvals.use_link(connection, claims.nonce, now)
        if is_first_use and sends.find(connection, desk.name, claims.issue) is None:
            address = parseaddr(desk.config.alerts_to or "")[1] or desk.name
            by = f"{address}, by a link"[:320]
            approvals.approve(connection, desk.name, claims.issue, claims.hash, by, now)
            log.info("%s was approved with a link, hash %s", claims.issue, claims.hash[:12])
    return read_link(desk, key)
