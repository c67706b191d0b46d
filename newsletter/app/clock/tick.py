"""Do what is due: one look at the timetable, the same for ``tick`` and for ``run``."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from newsletter import schedule
from newsletter.app import logs
from newsletter.app.alerts import notify, queue, reminders, wording
from newsletter.app.clock import housekeeping
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
from newsletter.schedule import GATHER, SEND, Moment
from newsletter.store import Connection, key_values, occurrences
from newsletter.store.occurrences import Claimed, Due, Occurrence, OccurrenceState

log = logging.getLogger(__name__)

# For a send whose process was killed: others go on with it while mails can still be recalled.
BRIEF = timedelta(minutes=2)
# The named moments of a look at which a test kills the program.
CHECKPOINTS = (
    *("moment claimed", "gathered", "built", "planned", "frozen"),
    *("moment done", "moment settled", "alert claimed", "alert left", "alert sent"),
)
LOOK_BACK = timedelta(days=31)  # how far back a machine that was down looks for missed moments


@dataclass(frozen=True)
class MomentResult:
    """What a tick did about one moment."""

    kind: str
    issue: IssueName
    state: OccurrenceState
    message: str
    failed: bool = False  # not merely waiting for an approval


class Lateness(NamedTuple):
    """Why it is too late for a moment. ``decides``: a person is to decide about it."""

    words: str
    decides: bool


def tick(desk: Desk, observer: SendObserver | None = None) -> list[MomentResult]:
    """Act on the newest due moment of each kind; older ones, or too late ones, are missed.

    Setting the observer's ``stop`` ends a send after what is under way; the next look goes on with
    it. Its ``checkpoint`` hears the names in CHECKPOINTS, and those of ``deliver.job``.
    """
    now, observer = desk.clock(), observer or SendObserver()
    done = []
    for moment, late in _due(desk, now):
        if observer.stop.is_set():
            break
        with logs.context(occurrence=f"{moment.kind}/{moment.day}", issue=str(moment.issue)):
            found = _miss(desk, moment, late, now) if late else _act(desk, moment, now, observer)
            for each in found:
                level = logging.WARNING if each.failed else logging.INFO
                log.log(level, "%s: %s", each.state, each.message)
        done += found
    if not observer.stop.is_set():
        _talk(desk, observer)
        _keep_house(desk)
    return done


def _keep_house(desk: Desk) -> None:
    """Whatever is wrong with what was reported, the timetable goes on."""
    try:
        housekeeping.keep_house(desk)
    except Exception:
        log.exception("what the provider reported could not be looked after")


def _talk(desk: Desk, observer: SendObserver) -> None:
    """What readers and the editor are to hear. Whatever is wrong with it, the timetable goes on."""
    tell_editor = partial(notify.send_all, checkpoint=observer.checkpoint)
    for what, work in (
        ("sign-ups", sign_up.forget),
        ("sign-ups", sign_up.answer_all),
        ("alerts", reminders.remind_before_deadlines),
        ("alerts", tell_editor),
    ):
        try:
            work(desk)
        except Exception:
            log.exception("%s failed", what)


def _due(desk: Desk, now: datetime) -> Iterator[tuple[Moment, Lateness | None]]:
    """The moments to be settled now, the oldest first, and why it is too late where it is."""
    timetable, zone, grace = desk.config.schedule, desk.config.zone, desk.config.schedule.grace
    since = _since(desk, now)
    start = min(max(since, now - LOOK_BACK), now - grace)
    with desk.reading() as connection:
        known = occurrences.since(connection, desk.name, start)
        moved = occurrences.moved(connection, desk.name)
    moments = schedule.due(timetable, zone, start, now, moved)
    yield from _dropped(moments, known, now - grace, now)
    newest = {moment.kind: moment for moment in moments if not moment.moved}
    for moment in moments:
        found = known.get((moment.kind, moment.day))
        if (found and found.is_over(now)) or (not found and _overtaken(moment, known, now)):
            continue
        late = _late(moment, newest.get(moment.kind, moment), now - grace)
        if not late or found or moment.utc > since:
            yield moment, late


def _late(moment: Moment, newest: Moment, earliest: datetime) -> Lateness | None:
    was = f"it was due {moment.local:%Y-%m-%d %H:%M} and"
    if not moment.moved and moment is not newest and moment.issue == newest.issue:
        return Lateness(f"{was} gave way to the next {moment.kind} for the issue", decides=False)
    if (not moment.moved and moment is not newest) or moment.utc < earliest:
        if moment.kind in {GATHER, SEND}:
            do = f"newsletter {moment.kind} {moment.issue}"
            return Lateness(f"{was} is too late now; a person decides: {do}", decides=True)
        return Lateness(f"{was} is too late now; see what waits: newsletter status", decides=False)
    return None


def _dropped(
    moments: list[Moment],
    known: Mapping[tuple[str, str], Occurrence],
    earliest: datetime,
    now: datetime,
) -> Iterator[tuple[Moment, Lateness]]:
    """What has waited until its grace was over, and stands in no timetable any more."""
    there = {(moment.kind, moment.day) for moment in moments}
    for key, each in known.items():
        if key not in there and each.due_at < earliest and not each.is_over(now):
            moment = Moment(each.kind, each.issue, each.day, each.due_at, each.due_at)
            do = f"newsletter {SEND if each.kind != GATHER else GATHER} {each.issue}"
            words = f"the timetable has changed and has it no more; a person decides: {do}"
            yield moment, Lateness(words, each.kind in {GATHER, SEND})


def _overtaken(moment: Moment, known: Mapping[tuple[str, str], Occurrence], now: datetime) -> bool:
    """Whether only a changed timetable has brought it up: its issue is sent, or a later moment of
    its kind is done.
    """
    sent = known.get((SEND, str(moment.issue)))
    if sent and sent.state is OccurrenceState.DONE:
        return True
    return not moment.moved and any(
        each.kind == moment.kind
        and each.state in {OccurrenceState.DONE, OccurrenceState.STARTED}
        and moment.utc <= each.due_at <= now
        for each in known.values()
    )


def _since(desk: Desk, now: datetime) -> datetime:
    """Since when this timetable is looked at; what it would have had before was never missed."""
    timetable = desk.config.schedule
    times = (timetable.send, *timetable.gathers, timetable.remind, timetable.deadline)
    said = [desk.config.newsletter.timezone, *(each.text if each else "" for each in times)]
    said += [f"{skip.first}/{skip.last}" for skip in timetable.skip]
    name = f"timetable:{desk.name}"
    with desk.reading() as connection:
        known = key_values.find(connection, name)
        first = key_values.find(connection, f"ticks since:{desk.name}")  # of older versions
    start, *rest = json.loads(known) if known else [first or now.isoformat(), *said]
    since = datetime.fromisoformat(start)
    if rest != said or since > now:
        since = now
    if known is None or since.isoformat() != start:
        with desk.writing() as connection:
            key_values.put(connection, name, json.dumps([since.isoformat(), *said]))
    return since


def _act(desk: Desk, moment: Moment, now: datetime, observer: SendObserver) -> list[MomentResult]:
    with desk.writing() as connection:
        lease = BRIEF if moment.kind == SEND else occurrences.LEASE
        claim = occurrences.claim(connection, _row(desk, moment), now, lease)
    if claim is None:  # another process has it in hand, or it waits
        return []
    log.info("Begins" if claim.reason is None else "Is tried again")
    observer.checkpoint("moment claimed")
    outcome, failed = _outcome(desk, moment, _keeping(desk, claim, observer))
    observer.checkpoint("moment done")
    wait = timedelta() if observer.stop.is_set() else outcome.wait  # the next start goes on at once
    again_at = desk.clock() + wait if outcome.state is OccurrenceState.WAITING else None
    with desk.writing() as connection:
        occurrences.settle(
            connection, claim.id, outcome.state, desk.clock(), outcome.message, again_at
        )
        queue.add(desk, connection, *outcome.alerts)
        if outcome.skips_send:
            _skip_send(connection, desk, moment, outcome.message)
    observer.checkpoint("moment settled")
    if outcome.message == claim.reason:  # it still waits for the same thing: said once is enough
        return []
    return [MomentResult(moment.kind, moment.issue, outcome.state, outcome.message, failed)]


def _keeping(desk: Desk, claim: Claimed, observer: SendObserver) -> SendObserver:
    """The same, that keeps the moment in hand while a send goes on."""
    kept = time.monotonic()

    def heartbeat() -> None:
        nonlocal kept
        if time.monotonic() - kept > BRIEF.total_seconds() / 4:
            kept = time.monotonic()
            with desk.writing() as connection:
                occurrences.keep(connection, claim.id, desk.clock(), BRIEF)
        observer.heartbeat()

    return replace(observer, heartbeat=heartbeat)


def _outcome(desk: Desk, moment: Moment, observer: SendObserver) -> tuple[DutyResult, bool]:
    """What came of it; True: it failed, and does not merely wait for a person."""
    issue = moment.issue
    try:
        return DUTIES[moment.kind](desk, issue, observer), False
    except NotReadyError as error:
        alerts = unready_alerts(desk, moment.kind, issue, str(error))
        return DutyResult(
            OccurrenceState.WAITING, str(error), RETRY_AT_NEXT_TICK, alerts=alerts
        ), False
    except NewsletterError as error:
        why = str(error)
    except Exception as error:
        # The other moments of this look must still have their turn.
        log.exception("The work failed")
        why = f"{type(error).__name__}: {error}"
    failure = wording.failed(desk, moment.kind, moment.day, issue, why, moment.utc)
    return DutyResult(OccurrenceState.WAITING, why, alerts=(failure,)), True


def _skip_send(connection: Connection, desk: Desk, moment: Moment, why: str) -> None:
    """The deadline has decided: an approval that comes later changes nothing by itself."""
    config, issue = desk.config, moment.issue
    at = schedule.scheduled_send(config.schedule, config.zone, issue) or moment.utc
    sent = Due(desk.name, SEND, str(issue), issue, at)
    occurrences.close(connection, sent, OccurrenceState.SKIPPED, desk.clock(), why)


def _miss(desk: Desk, moment: Moment, late: Lateness, now: datetime) -> list[MomentResult]:
    begun = desk.sent(moment.issue)
    outcome = DutyResult(OccurrenceState.MISSED, late.words)
    if begun and moment.kind != SEND:
        outcome = DutyResult(OccurrenceState.SKIPPED, "the issue was sent already")
    elif begun:
        outcome = ended_send(begun) or outcome
    state, message = outcome.state, outcome.message
    with desk.writing() as connection:
        first = occurrences.close(connection, _row(desk, moment), state, now, message)
        if first and state is OccurrenceState.MISSED and late.decides:
            told = wording.missed(desk, moment.kind, moment.day, moment.issue, moment.utc)
            queue.add(desk, connection, told)
    failed = state is OccurrenceState.MISSED
    return [MomentResult(moment.kind, moment.issue, state, message, failed)] if first else []


def _row(desk: Desk, moment: Moment) -> Due:
    return Due(desk.name, moment.kind, moment.day, moment.issue, moment.utc)
