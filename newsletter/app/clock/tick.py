"""A tick: one pass over the timetable that does what is due, for ``tick`` and for ``run``."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from newsletter import schedule
from newsletter.app import logs
from newsletter.app.alerts import notify, queue, reminders, wording
from newsletter.app.clock import due, housekeeping
from newsletter.app.clock.due import Lateness
from newsletter.app.clock.duties import (
    DUTIES,
    RETRY_AT_NEXT_TICK,
    DutyResult,
    ended_send,
    unready_alerts,
)
from newsletter.app.desk import Desk
from newsletter.app.readers import sign_up
from newsletter.app.send.delivery import SendObserver
from newsletter.errors import NewsletterError, NotReadyError
from newsletter.model import IssueName
from newsletter.schedule import SEND, Moment
from newsletter.store import Connection, occurrences
from newsletter.store.occurrences import DueMoment, OccurrenceClaim, OccurrenceState

log = logging.getLogger(__name__)

# If the process of a send is killed, another resumes it while mails can still be recalled.
SEND_LEASE = timedelta(minutes=2)
# The named steps of a tick at which a test kills the program.
CHECKPOINTS = (
    *("moment claimed", "gathered", "built", "planned", "frozen"),
    *("moment done", "moment settled", "alert claimed", "alert left", "alert sent"),
)


@dataclass(frozen=True)
class MomentResult:
    """What a tick did about one moment."""

    kind: str
    issue: IssueName
    state: OccurrenceState
    message: str
    failed: bool = False  # it failed or was missed, and does not merely wait for a person


def tick(desk: Desk, observer: SendObserver | None = None) -> list[MomentResult]:
    """Carry out the newest due moment of each kind; mark older and overdue ones as missed.

    Then send alerts and sign-up mails, and do the housekeeping. Setting the observer's ``stop``
    ends a send after its open requests; the next tick resumes it. ``checkpoint`` gets the names in
    CHECKPOINTS, and those of ``deliver.job``.
    """
    now, observer = desk.clock(), observer or SendObserver()
    results = []
    for moment, lateness in due.unsettled(desk, now):
        if observer.stop.is_set():
            break
        with logs.context(occurrence=f"{moment.kind}/{moment.day}", issue=str(moment.issue)):
            if lateness:
                result = _miss(desk, moment, lateness, now)
            else:
                result = _act(desk, moment, now, observer)
            if result:
                level = logging.WARNING if result.failed else logging.INFO
                log.log(level, "%s: %s", result.state, result.message)
                results.append(result)
    if not observer.stop.is_set():
        _do_other_work(desk, observer)
    return results


def _do_other_work(desk: Desk, observer: SendObserver) -> None:
    """Sign-ups, alerts and housekeeping; if one of them fails, the rest continues."""
    for name, work in (
        ("Sign-ups", sign_up.delete_old),
        ("Sign-ups", sign_up.answer_all),
        ("Alerts", reminders.remind_before_deadlines),
        ("Alerts", partial(notify.send_all, checkpoint=observer.checkpoint)),
        ("Housekeeping", housekeeping.run),
    ):
        try:
            work(desk)
        except Exception:
            log.exception("%s failed", name)


def _act(desk: Desk, moment: Moment, now: datetime, observer: SendObserver) -> MomentResult | None:
    """Carry out the duty of the moment; None if there is nothing new to report."""
    with desk.writing() as connection:
        lease = SEND_LEASE if moment.kind == SEND else occurrences.LEASE
        claim = occurrences.claim(connection, _row(desk, moment), now, lease)
    if claim is None:  # another process has claimed it, or it waits
        return None
    log.info("Starts" if claim.reason is None else "Is retried")
    observer.checkpoint("moment claimed")
    result, failed = _carry_out(desk, moment, _with_lease(desk, claim, observer))
    observer.checkpoint("moment done")
    wait = timedelta() if observer.stop.is_set() else result.wait  # the next start resumes at once
    again_at = desk.clock() + wait if result.state is OccurrenceState.WAITING else None
    with desk.writing() as connection:
        occurrences.settle(
            connection, claim.id, result.state, desk.clock(), result.message, again_at
        )
        queue.add(desk, connection, *result.alerts)
        if result.skips_send:
            _skip_send(connection, desk, moment, result.message)
    observer.checkpoint("moment settled")
    if result.message == claim.reason:  # it still waits for the same thing
        return None
    return MomentResult(moment.kind, moment.issue, result.state, result.message, failed)


def _with_lease(desk: Desk, claim: OccurrenceClaim, observer: SendObserver) -> SendObserver:
    """The observer, whose heartbeat also renews the lease of the moment."""
    renewed_at = time.monotonic()

    def heartbeat() -> None:
        nonlocal renewed_at
        if time.monotonic() - renewed_at > SEND_LEASE.total_seconds() / 4:
            renewed_at = time.monotonic()
            with desk.writing() as connection:
                occurrences.extend_lease(connection, claim.id, desk.clock(), SEND_LEASE)
        observer.heartbeat()

    return replace(observer, heartbeat=heartbeat)


def _carry_out(desk: Desk, moment: Moment, observer: SendObserver) -> tuple[DutyResult, bool]:
    """The result of the moment's duty, and whether it failed."""
    issue, waiting = moment.issue, OccurrenceState.WAITING
    try:
        return DUTIES[moment.kind](desk, issue, observer), False
    except NotReadyError as error:
        alerts = unready_alerts(desk, moment.kind, issue, str(error))
        return DutyResult(waiting, str(error), RETRY_AT_NEXT_TICK, alerts=alerts), False
    except NewsletterError as error:
        reason = str(error)
    except Exception as error:  # the tick's other moments must still get their turn
        log.exception("The work failed")
        reason = f"{type(error).__name__}: {error}"
    alert = wording.failed(desk, moment.kind, moment.day, issue, reason, moment.utc)
    return DutyResult(waiting, reason, alerts=(alert,)), True


def _skip_send(connection: Connection, desk: Desk, moment: Moment, reason: str) -> None:
    """Skip the send of the moment's issue; a later approval alone does not change that."""
    config, issue = desk.config, moment.issue
    at = schedule.scheduled_send(config.schedule, config.zone, issue) or moment.utc
    send = DueMoment(desk.name, SEND, str(issue), issue, at)
    occurrences.close(connection, send, OccurrenceState.SKIPPED, desk.clock(), reason)


def _miss(desk: Desk, moment: Moment, lateness: Lateness, now: datetime) -> MomentResult | None:
    """Close a moment that is too late; None if another process has done so."""
    frozen = desk.sent(moment.issue)
    result = DutyResult(OccurrenceState.MISSED, lateness.reason)
    if frozen and moment.kind != SEND:
        result = DutyResult(OccurrenceState.SKIPPED, "the issue was sent already")
    elif frozen:
        result = ended_send(frozen) or result
    is_missed = result.state is OccurrenceState.MISSED
    with desk.writing() as connection:
        if not occurrences.close(connection, _row(desk, moment), result.state, now, result.message):
            return None
        if is_missed and lateness.needs_person:
            alert = wording.missed(desk, moment.kind, moment.day, moment.issue, moment.utc)
            queue.add(desk, connection, alert)
    return MomentResult(moment.kind, moment.issue, result.state, result.message, is_missed)


def _row(desk: Desk, moment: Moment) -> DueMoment:
    return DueMoment(desk.name, moment.kind, moment.day, moment.issue, moment.utc)
