"""Whether an issue may go out: the only module that decides it.

Commands, the timetable, the preview's pages and approval links all ask here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from newsletter.app.desk import Desk
from newsletter.app.issue import correction_mail
from newsletter.app.issue.build import Built, compose
from newsletter.errors import FindingsError, NotReadyError
from newsletter.model import Health, IssueName
from newsletter.store import Connection, approvals, sends
from newsletter.store.approvals import Approval


class Reason(StrEnum):
    """Why an issue may not go out."""

    ERRORS = "errors"  # a check found an error
    UNAPPROVED = "unapproved"  # nobody has approved it
    CHANGED = "changed"  # it has changed since it was approved, built or read
    SOURCES = "sources"  # a source is failing or stale, so stories may be missing
    BROKEN = "broken"  # it cannot be built
    QUESTION = "question"  # a person must answer a question first
    UNREADY = "unready"  # the send itself may not start or resume


@dataclass(frozen=True)
class Obstacle:
    """What keeps an issue from going out."""

    reason: Reason
    message: str  # what is wrong and what to do next, with details on indented lines
    hash: str | None = None  # of the bytes to approve; None if an approval would not help

    @property
    def can_be_waived(self) -> bool:
        """Whether ``if_unapproved = "send"`` sends the issue all the same."""
        return self.reason in {Reason.UNAPPROVED, Reason.CHANGED, Reason.SOURCES}

    @property
    def needs_approval(self) -> bool:
        """Whether a person's approval is all that is missing."""
        return self.reason in {Reason.UNAPPROVED, Reason.CHANGED}


@dataclass(frozen=True)
class Record:
    """What the database holds about an issue."""

    sent: bool  # its send was started
    approval: Approval | None  # the last one, for any bytes
    withdrawn: bool  # it is a correction mail whose correction was undone

    def approval_of(self, hash_: str) -> Approval | None:
        """The approval, if it is for exactly these bytes."""
        return self.approval if self.approval and self.approval.hash == hash_ else None


def read_record(connection: Connection, desk: Desk, issue: IssueName) -> Record:
    """Read the issue's record in this transaction."""
    return Record(
        sends.find(connection, desk.name, issue) is not None,
        approvals.find(connection, desk.name, issue),
        correction_mail.is_withdrawn(connection, desk.name, issue),
    )


def record(desk: Desk, issue: IssueName) -> Record:
    """Read the issue's record in a transaction of its own."""
    return desk.read(read_record, desk, issue)


def obstacle(desk: Desk, issue: IssueName) -> Obstacle | None:
    """What keeps the timetable from sending the issue as it is now; None if nothing does.

    Raises ContentError if the issue does not exist or cannot be read.
    """
    approval_required = desk.config.schedule.approval == "required"
    return judge(
        compose(desk, issue),
        record(desk, issue).approval,
        approval_required=approval_required,
        sources_required=not approval_required,
    )


def judge(
    built: Built,
    approval: Approval | None,
    *,
    approval_required: bool,
    sources_required: bool = False,
) -> Obstacle | None:
    """What keeps these bytes from going out; None if nothing does.

    An error always does. An approval of exactly these bytes overrides everything else. Without one,
    ``approval_required`` demands it, and ``sources_required`` demands that every source was read.
    """
    if errors := error_obstacle(built, "sent"):
        return errors
    if approval and approval.hash == built.rendered.hash:
        return None
    if approval_required:
        return _unapproved_obstacle(built, approval)
    return _source_obstacle(built) if sources_required else None


def error_obstacle(built: Built, verb: str) -> Obstacle | None:
    """The obstacle of errors that checks found; ``verb`` is "sent" or "approved"."""
    if not built.errors:
        return None
    lines = "\n".join(
        f"  {f.message}{f' [{f.place}]' if f.place else ''} {f.remedy}" for f in built.errors
    )
    return Obstacle(
        Reason.ERRORS,
        f"Issue {built.issue.name} cannot be {verb} until these errors are fixed:\n{lines}",
    )


def approval_obstacle(built: Built, seen: str | None) -> Obstacle | None:
    """What keeps these bytes from being approved; ``seen`` is the hash of what a person saw."""
    name = built.issue.name
    if seen is None:
        return Obstacle(
            Reason.CHANGED,
            f"Issue {name} has not been built, so nobody can have read it. "
            f"Build it and read it first: newsletter build {name}",
        )
    if seen != built.rendered.hash:
        return Obstacle(
            Reason.CHANGED,
            f"Issue {name} has changed since it was built. Build it, read it again, then "
            f"approve it: newsletter build {name}",
        )
    return error_obstacle(built, "approved")


def other_name_obstacle(
    issue: IssueName, list_name: str, other_name: str | None
) -> Obstacle | None:
    """The list was sent an issue of that date by a newsletter called ``other_name``."""
    if other_name is None:
        return None
    return Obstacle(
        Reason.UNREADY,
        f"The list {list_name!r} was already sent an issue of {issue}, under the name "
        f"{other_name!r}. Change [newsletter] name back to that name, or choose another list.",
    )


def empty_list_obstacle(built: Built, list_name: str, readers: int) -> Obstacle | None:
    """The list has no reader who may be mailed."""
    if readers:
        return None
    if built.issue.corrects:
        why = f"Nobody who got the issue of {built.issue.corrects} may still be mailed."
    else:
        why = (
            f"The list {list_name!r} has no active subscribers. "
            f"Add some with: newsletter subscribers import FILE"
        )
    return Obstacle(Reason.UNREADY, why)


def raise_for(obstacle_: Obstacle | None) -> None:
    """Raise FindingsError for errors that checks found, NotReadyError for any other obstacle."""
    if obstacle_ is None:
        return
    error = FindingsError if obstacle_.reason is Reason.ERRORS else NotReadyError
    raise error(obstacle_.message)


def _unapproved_obstacle(built: Built, approval: Approval | None) -> Obstacle:
    name, hash_ = built.issue.name, built.rendered.hash
    if approval:
        return Obstacle(
            Reason.CHANGED,
            f"Issue {name} has changed since {approval.by} approved it. Read it again: "
            f"newsletter build {name}, then newsletter approve {name}",
            hash_,
        )
    return Obstacle(
        Reason.UNAPPROVED,
        f"Issue {name} is not approved. Read it with `newsletter preview {name}`, then: "
        f"newsletter approve {name}",
        hash_,
    )


def _source_obstacle(built: Built) -> Obstacle | None:
    name = built.issue.name
    down = [s for s in built.issue.sources if s.status in {Health.FAILING, Health.STALE}]
    if not down:
        return None
    lines = "\n".join(f"  {source.name} is {source.status}: {source.summary}" for source in down)
    return Obstacle(
        Reason.SOURCES,
        f"Issue {name} does not go out by itself, because stories may be missing:\n{lines}\n"
        f"Gather again (newsletter gather {name}), or read it and approve it as it is: "
        f"newsletter build {name}, then newsletter approve {name}",
        built.rendered.hash,
    )
