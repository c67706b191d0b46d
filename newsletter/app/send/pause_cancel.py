"""Pause or cancel a send that is running in another process."""

from __future__ import annotations

from newsletter.app.desk import Desk
from newsletter.errors import NotReadyError
from newsletter.model import IssueName
from newsletter.store import pause_cancel, recalls, sends
from newsletter.store.sends import SendState


def pause(desk: Desk, issue: IssueName) -> None:
    """Let no further request start; open ones are still answered.

    Raises NotReadyError if the issue is not being sent.
    """
    frozen = desk.require_sent(issue)
    _require_state(desk, frozen.send.id, issue, "paused", SendState.SENDING)
    with desk.writing() as connection:
        pause_cancel.pause(connection, frozen.send.id, "someone paused it.", desk.clock())


def cancel(desk: Desk, issue: IssueName) -> int:
    """Exclude all readers who still wait. Returns how many those are.

    ``send.recall`` recalls what the provider has not released yet. Raises NotReadyError if the send
    is done and nothing can be recalled.
    """
    frozen = desk.require_sent(issue)
    last_release = desk.read(recalls.last_release, frozen.send.id)
    if last_release is None or last_release <= desk.clock():
        states = (SendState.SENDING, SendState.PAUSED, SendState.CANCELLED)
        _require_state(desk, frozen.send.id, issue, "cancelled", *states)
    with desk.writing() as connection:
        return pause_cancel.cancel(connection, frozen.send.id, desk.clock())


def _require_state(
    desk: Desk, send_id: int, issue: IssueName, action: str, *allowed: SendState
) -> None:
    state, _ = desk.read(sends.state, send_id)
    if state not in allowed:
        raise NotReadyError(
            f"The send of {issue} is {state}, so it cannot be {action}. "
            f"See who got it: newsletter receipt {issue}"
        )
