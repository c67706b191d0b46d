"""What one thread of a run does: take a batch, hand it over, write down the answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from newsletter.deliver import recall, submission
from newsletter.deliver.job import Job, Pulse
from newsletter.errors import DatabaseError, NewsletterError, NotReadyError
from newsletter.model import Answer, Doubt, Outcome, Recipient, Send
from newsletter.store import doubt, ledger, pause_cancel, sends
from newsletter.store.ledger import BatchClaim
from newsletter.store.recalls import RecallClaim
from newsletter.store.sends import SendState

PATIENCE = timedelta(minutes=30)  # how long a run waits for a provider that takes nothing
# Seconds between two looks, ever longer ones: another process may have been at work.
A_MOMENT, A_WHILE = 0.05, 0.25
SILENCE = 5  # so many requests in a row without an answer are an outage
INSIST = 30.0  # seconds for which an answer is tried to be written down


def work(job: Job, owner: str, pulse: Pulse, waiting: Callable[[datetime, str], None]) -> None:
    """Go on until nothing is left to do, or the send is to stop.

    Raises NotReadyError where the provider takes nothing for half an hour.
    """
    seen, pause = None, A_MOMENT
    while not job.stop.is_set():
        with pulse.at_work():
            step = _take_step(job, owner, pulse)
        if step is None:
            return
        if step is True:
            pulse.beat()
            seen, pause = None, A_MOMENT
            continue
        now = job.clock()
        _give_up_after(pulse, job.frozen.send, now)
        seconds = (step - now).total_seconds()
        # The first look may see what another thread has just ended.
        if seconds > A_WHILE and step == seen and pulse.is_news(step):
            waiting(step, pulse.why(step))
        seen = step
        pulse.wait(min(max(seconds, A_MOMENT), pause))
        pause = min(2 * pause, A_WHILE)


def _take_step(job: Job, owner: str, pulse: Pulse) -> datetime | Literal[True] | None:
    """Do the next thing; when to look again where there is none now, None where none is left."""
    step = _next(job, owner)
    if step is None or isinstance(step, datetime):
        return step
    if isinstance(step, BatchClaim):
        _hand_over(job, step, pulse)
    else:
        recall.ask_provider(job, step)
    return True


def _next(job: Job, owner: str) -> BatchClaim | RecallClaim | datetime | None:
    """The next thing to do; or when to look again; or None, when nothing is left to do."""
    send, now = job.frozen.send, job.clock()
    # Undone by a power cut it is done again: what matters is that a start is kept.
    with job.database.begin(waits=False) as connection:
        ledger.expire(connection, send.id, now)
        seen = doubt.unknown_batches(
            connection, send.id
        )  # what comes while we look has its turn later
        state, _ = sends.state(connection, send.id)
        if state is SendState.CANCELLED:
            pause_cancel.cancel(connection, send.id, now)  # what came back since then
            if found := recall.begin(connection, job, now, accepted=True):
                return found
            doubt.hold(connection, send.id, now, seen)
            return doubt.next_due(connection, send.id)
        if state is not SendState.SENDING:  # what is in doubt may not wait: it can be too late
            return recall.begin(connection, job, now) if job.doubt is Doubt.RECALL else None
        if job.doubt is Doubt.RECALL and (found := recall.begin(connection, job, now)):
            return found
        if not (job.doubt is Doubt.RESEND and doubt.resend_unknown(connection, send.id, now)):
            doubt.hold(connection, send.id, now, seen)
        claim = ledger.claim(connection, send.id, owner, now, job.lease)
        return claim or doubt.next_due(connection, send.id)


def _hand_over(job: Job, claim: BatchClaim, pulse: Pulse) -> None:
    """One request, and its answer in the ledger."""
    job.checkpoint("claimed")
    claim = _with_readers(job, claim)
    if not claim.readers:
        return
    recipients = job.personal(claim.readers)
    send = replace(job.frozen.send, batch=claim.number)
    ready = recall.prepare(job, send, recipients)
    outcome = ready if isinstance(ready, Outcome) else _submit(job, ready, claim, recipients)
    if outcome is None:
        return
    outcome = outcome.storable()
    job.checkpoint("answered")
    _record(job, claim, outcome)
    job.checkpoint("recorded")
    answers = outcome.answers.values()
    if outcome.retry_after:
        until = job.clock() + timedelta(seconds=outcome.retry_after)
        pulse.patience = max(pulse.patience, (until, _delay(outcome)))
    if Answer.ACCEPTED in answers:
        pulse.last_success, pulse.silent = job.clock(), 0
    elif Answer.UNKNOWN in answers:  # whatever is known of others in it: nobody was taken
        pulse.silent += 1
    if pulse.silent >= SILENCE:
        _pause(job, pulse.silent, outcome)


def _with_readers(job: Job, claim: BatchClaim) -> BatchClaim:
    """The claim with whom it is for: nobody, where it is not ours any more."""
    with job.database.read() as connection:
        found, reasons = ledger.load_addressees(connection, claim, job.frozen.list_id)
    if found.readers and not reasons:
        return found
    with job.database.begin() as connection:
        ours = ledger.exclude(connection, found, reasons, job.clock())
    return found if ours else claim


def _pause(job: Job, silent: int, outcome: Outcome) -> None:
    """Let an outage not run through the whole list, and leave all of it in doubt."""
    said = next(iter(outcome.reasons.values()), "no reason given").rstrip(".")
    why = (
        f"{silent} requests in a row were left without an answer ({said}). "
        f"Look whether the provider works."
    )
    with job.database.begin() as connection:
        if pause_cancel.pause(connection, job.frozen.send.id, why, job.clock()):
            job.paused(connection, why)


def _delay(outcome: Outcome) -> str:
    """Why some of it is to be handed over later; empty where nobody says so."""
    later = (n for n, answer in outcome.answers.items() if answer is Answer.NOT_SENT)
    return next((outcome.reasons.get(number, "") for number in later), "").rstrip(".")


def _submit(
    job: Job, send: Send, claim: BatchClaim, recipients: Sequence[Recipient]
) -> Outcome | None:
    """The provider's answer; None where the batch was lost before the first byte."""
    began, begun_at = time.monotonic(), job.clock()
    with job.database.begin() as connection:
        ahead = send.recall_id, job.lease, send.send_at
        begun = ledger.start(connection, claim, begun_at, *ahead)
    if begun is None:
        return None
    try:
        job.witness(begun)
    except NewsletterError as error:
        return Outcome.all(recipients, Answer.NOT_SENT, str(error), pause=str(error))
    job.checkpoint("started")
    slept = max(time.monotonic() - began, (job.clock() - begun_at).total_seconds())
    if slept > job.lease.total_seconds():
        # Others count this as in doubt by now, and may have acted on it. One clock stands still
        # in a machine that is suspended, the other may be set back.
        return Outcome.all(recipients, Answer.NOT_SENT, "its time had run out")
    return submission.submit(job.provider, send, recipients)


def _record(job: Job, claim: BatchClaim, outcome: Outcome) -> None:
    """Write the answer down; a database that is away for a moment must not lose it.

    Of a power cut at that moment the batch would be in doubt, as if no answer had come.
    """
    give_up = time.monotonic() + INSIST
    while True:
        try:
            with job.database.begin(waits=False) as connection:
                ledger.record(connection, claim, outcome, job.clock())
                if outcome.pause:
                    paused = pause_cancel.pause(
                        connection, claim.send_id, outcome.pause, job.clock()
                    )
                    if paused:
                        job.paused(connection, outcome.pause)
        except DatabaseError:
            if time.monotonic() > give_up:
                raise
            time.sleep(A_WHILE)
        else:
            return


def _give_up_after(pulse: Pulse, send: Send, now: datetime) -> None:
    if now - pulse.last_success > PATIENCE:
        said = pulse.patience[1]
        why = f" ({said})" if said else ""
        raise NotReadyError(
            f"The provider has taken nothing of {send.issue} for half an hour{why}; the readers "
            f"who wait are kept. See `newsletter receipt {send.issue}`, then go on with: "
            f"newsletter send {send.issue}"
        )
