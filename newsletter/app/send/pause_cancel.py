"""Pausing and cancelling a send that is on its way, from another terminal."""

from __future__ import annotations

from newsletter.app.desk import Desk
from newsletter.errors import NotReadyError
from newsletter.model import IssueName
from newsletter.store import pause_cancel, recalls, sends
from newsletter.store.sends import SendState


def pause(desk: Desk, issue: IssueName) -> None:
    """Stop claiming; what is under way is answered. Raises NotReadyError where nothing goes."""
    frozen = desk.require_sent(issue)
    _require(desk, frozen.send.id, issue, "paused", SendState.SENDING)
    with desk.writing() as connection:
        pause_cancel.pause(connection, frozen.send.id, "a person wanted that.", desk.clock())


def cancel(desk: Desk, issue: IssueName) -> int:
    """Leave out everybody who waits; how many. What was handed over ahead is taken back by
    `sending.recall`. Raises NotReadyError where the send is done and nothing can be taken back.
    """
    frozen = desk.require_sent(issue)
    moment = desk.read(recalls.last_moment, frozen.send.id)
    if moment is None or moment <= desk.clock():
        states = (SendState.SENDING, SendState.PAUSED, SendState.CANCELLED)
        _require(desk, frozen.send.id, issue, "cancelled", *states)
    with desk.writing() as connection:
        return pause_cancel.cancel(connection, frozen.send.id, desk.clock())


def _require(desk: Desk, send_id: int, issue: IssueName, what: str, *wanted: SendState) -> None:
    state, _ = desk.read(sends.state, send_id)
    if state not in wanted:
        raise NotReadyError(
            f"The send of {issue} is {state}, so it cannot be {what}. "
            f"See who got it: newsletter receipt {issue}"
        )
