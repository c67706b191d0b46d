"""Whether an issue may go out: a person has approved it, or nothing is against it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from newsletter.app.desk import Desk
from newsletter.app.issue.build import Built, compose
from newsletter.model import Health
from newsletter.store import approvals

_DOWN = frozenset({Health.FAILING, Health.STALE})


@dataclass(frozen=True)
class Obstacle:
    """Why an issue waits for a person, with what to do.

    ``unapproved``: because nobody has approved what it says now. ``hash``: of what may be approved.
    """

    why: str
    unapproved: bool = False
    hash: str | None = None


def obstacle(desk: Desk, issue: date) -> Obstacle | None:
    """Why the issue waits for a person; None where it may go as it is now.

    An approval of exactly these bytes is enough. With ``approval = "automatic"`` none is needed
    where no check found an error and every source was read and has something new. Raises
    ContentError where there is no issue, or it cannot be read.
    """
    built = compose(desk, issue)
    with desk.database.read() as connection:
        approval = approvals.find(connection, desk.name, issue.isoformat())
    if approval and approval.hash == built.rendered.hash:
        return None
    if desk.config.schedule.approval == "automatic":
        why = _against(built)
    elif approval:
        why = (
            f"Issue {issue} has changed since {approval.by} approved it. Look at it again: "
            f"newsletter build {issue}, then newsletter approve {issue}"
        )
    else:
        why = (
            f"Issue {issue} is not approved. Look at it with `newsletter preview {issue}`, then: "
            f"newsletter approve {issue}"
        )
    required = desk.config.schedule.approval == "required"
    return Obstacle(why, required, None if built.errors else built.rendered.hash) if why else None


def _against(built: Built) -> str | None:
    """What keeps an issue from going out by itself."""
    name = built.issue.name
    if built.errors:
        lines = "\n".join(f"  {f.message} {f.remedy}" for f in built.errors)
        return f"Issue {name} does not go by itself; these must be mended first:\n{lines}"
    down = [source for source in built.issue.sources if source.status in _DOWN]
    if down:
        lines = "\n".join(f"  {each.name} is {each.status}: {each.said}" for each in down)
        return (
            f"Issue {name} does not go by itself, because stories may be missing:\n{lines}\n"
            f"Gather again (newsletter gather {name}), or look at it and let it go as it is: "
            f"newsletter build {name}, then newsletter approve {name}"
        )
    return None
