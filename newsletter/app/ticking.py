"""Do what is due: one look at the timetable, the same for ``tick`` and for ``run``."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from newsletter import schedule
from newsletter.app import editing, gathering, sending, testing
from newsletter.app.delivering import Watch
from newsletter.app.desk import Desk
from newsletter.errors import FindingsError, NewsletterError, NotReadyError
from newsletter.schedule import GATHER, Moment
from newsletter.store import facts, occurrences, sends
from newsletter.store.occurrences import FINAL, State

log = logging.getLogger(__name__)

LOOK_BACK = timedelta(days=31)  # how far back a machine that was down looks for missed moments
AGAIN = timedelta(seconds=30)  # a send that waits for approval is looked at every tick
LATER = timedelta(minutes=5)  # what failed, or has findings, is tried again a little later


@dataclass(frozen=True)
class Done:
    """What a tick did about one moment."""

    kind: str
    issue: str
    state: State
    message: str
    failed: bool = False  # not merely waiting for an approval


def tick(desk: Desk, stop: threading.Event | None = None) -> list[Done]:
    """Act on the newest due moment of each kind; older ones, or too late ones, are missed.

    Setting ``stop`` ends a send after what is under way; the next look goes on with it.
    """
    now, stop = desk.clock(), stop or threading.Event()
    done = []
    for moment, late in _due(desk, now):
        if stop.is_set():
            break
        if late:
            done += _miss(desk, moment, now)
        else:
            done += _act(desk, moment, now, stop)
    return done


def _due(desk: Desk, now: datetime) -> Iterator[tuple[Moment, bool]]:
    """The moments to be settled now, the oldest first; True: it is too late for this one."""
    grace = desk.config.schedule.grace
    with desk.database.begin() as connection:
        since = datetime.fromisoformat(
            facts.once(connection, f"ticks since:{desk.name}", now.isoformat())
        )
        start = min(max(since, now - LOOK_BACK), now - grace)
        known = occurrences.states(connection, desk.name, start)
    moments = schedule.due(desk.config.schedule, desk.config.zone, start, now)
    newest = {moment.kind: moment for moment in moments}
    for moment in moments:
        if known.get((moment.kind, moment.day)) in FINAL:
            continue
        late = moment is not newest[moment.kind] or now - moment.utc > grace
        if not late or moment.utc > since or (moment.kind, moment.day) in known:
            yield moment, late


def _act(desk: Desk, moment: Moment, now: datetime, stop: threading.Event) -> list[Done]:
    with desk.database.begin() as connection:
        claim = occurrences.claim(
            connection, desk.name, moment.kind, moment.day, moment.issue, moment.utc, now
        )
    if claim is None:  # another process has it in hand, or it waits
        return []
    work = _gather if moment.kind == GATHER else _send
    failed, wait = False, AGAIN if work is _send else LATER
    try:
        state, message = work(desk, date.fromisoformat(moment.issue), stop)
    except FindingsError as error:
        # The stories' publishers are asked at each try: not every half minute.
        state, message, wait = _unless_ready(desk, moment), str(error), LATER
    except NotReadyError as error:
        state, message = _unless_ready(desk, moment), str(error)
    except NewsletterError as error:
        state, message, failed = State.WAITING, str(error), True
    except Exception as error:
        # The other moments of this look must still have their turn.
        log.exception("%s %s failed", moment.kind, moment.issue)
        state, message, failed = State.WAITING, f"{type(error).__name__}: {error}", True
    again_at = desk.clock() + wait if state is State.WAITING else None
    with desk.database.begin() as connection:
        occurrences.settle(connection, claim.id, state, desk.clock(), message, again_at)
    if message == claim.reason:  # it still waits for the same thing: said once is enough
        return []
    return [Done(moment.kind, moment.issue, state, message, failed)]


def _gather(desk: Desk, issue: date, _stop: threading.Event) -> tuple[State, str]:
    found = gathering.gather(desk, issue)
    built = editing.build(desk, issue)
    said = f"{len(found.gathered.articles)} articles, {len(built.issue.stories)} stories"
    if not desk.config.editor.email:
        return State.DONE, f"{said}; no [editor] email, so no test was sent"
    address, _ = testing.send_test(desk, issue)
    return State.DONE, f"{said}; a test went to {address}"


def _send(desk: Desk, issue: date, stop: threading.Event) -> tuple[State, str]:
    approved = desk.config.schedule.if_unapproved == "send"
    planned = sending.plan(desk, issue, approved=approved)
    if planned.frozen and planned.frozen.state is sends.State.PAUSED:
        return State.WAITING, f"it is paused: {planned.frozen.reason}"  # a person goes on with it
    if planned.questions:
        raise NotReadyError(f"{' '.join(planned.questions)} Say so: newsletter send {issue}")
    receipt = sending.send(desk, planned, Watch(stop=stop))
    said = f"{receipt.accepted} of {receipt.eligible} accepted"
    if receipt.in_doubt:
        said += f", {receipt.in_doubt} in doubt: see newsletter receipt {issue}"
    if receipt.waiting:
        return State.WAITING, f"{said}, {receipt.waiting} wait: it was stopped, and goes on later"
    return State.DONE, said


def _unless_ready(desk: Desk, moment: Moment) -> State:
    """What becomes of work that is not ready at its moment."""
    skip = moment.kind != GATHER and desk.config.schedule.if_unapproved == "skip"
    return State.SKIPPED if skip else State.WAITING


def _miss(desk: Desk, moment: Moment, now: datetime) -> list[Done]:
    do = "gather" if moment.kind == GATHER else "send"
    reason = (
        f"it was due {moment.local:%Y-%m-%d %H:%M} and is too late now; "
        f"a person decides: newsletter {do} {moment.issue}"
    )
    with desk.database.begin() as connection:
        first = occurrences.miss(
            connection, desk.name, moment.kind, moment.day, moment.issue, moment.utc, now, reason
        )
    return [Done(moment.kind, moment.issue, State.MISSED, reason, True)] if first else []
