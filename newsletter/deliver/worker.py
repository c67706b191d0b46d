"""One thread of a run: claim a batch, hand it over, record the answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

from newsletter.deliver import recall, submission
from newsletter.deliver.job import Job, RunStatus
from newsletter.errors import DatabaseError, NewsletterError, NotReadyError
from newsletter.model import Answer, Doubt, Outcome, Recipient, Send
from newsletter.store import doubt, ledger, pause_cancel, sends
from newsletter.store.ledger import BatchClaim
from newsletter.store.recalls import RecallClaim
from newsletter.store.sends import SendState

MAX_IDLE = timedelta(minutes=30)  # how long a run waits for a provider that takes nothing
# Seconds between two polls of the database; another process may have changed it.
MIN_POLL, MAX_POLL = 0.05, 0.25
OUTAGE = 5  # requests in a row without an answer
RECORD_TIMEOUT = 30.0  # seconds to keep trying to record an answer


def work(job: Job, owner: str, status: RunStatus, waiting: Callable[[datetime, str], None]) -> None:
    """Take steps until nothing is left to do, or the send is stopped.

    Raises NotReadyError if the provider takes nothing for half an hour.
    """
    last_moment, pause = None, MIN_POLL
    while not job.stop.is_set():
        with status.busy():
            step = _take_step(job, owner, status)
        if step is None:
            return
        if step is True:
            status.notify()
            last_moment, pause = None, MIN_POLL
            continue
        now = job.clock()
        _require_progress(status, job.frozen.send, now)
        seconds = (step - now).total_seconds()
        # The first poll may see what another thread has just finished.
        if seconds > MAX_POLL and step == last_moment and status.is_first_report(step):
            waiting(step, status.retry_reason(step))
        last_moment = step
        status.wait(min(max(seconds, MIN_POLL), pause))
        pause = min(2 * pause, MAX_POLL)


def _take_step(job: Job, owner: str, status: RunStatus) -> datetime | Literal[True] | None:
    """Take the next step: True if there was one, else when to try again; None at the end."""
    step = _next_step(job, owner)
    if step is None or isinstance(step, datetime):
        return step
    if isinstance(step, BatchClaim):
        _hand_over(job, step, status)
    else:
        recall.ask_provider(job, step)
    return True


def _next_step(job: Job, owner: str) -> BatchClaim | RecallClaim | datetime | None:
    """The next batch to hand over or recall, or when to try again; None if nothing is left."""
    send, now = job.frozen.send, job.clock()
    # If a power cut undoes this, it is done again. What must survive is the start of a request.
    with job.database.begin(durable=False) as connection:
        ledger.expire(connection, send.id, now)
        unknown = doubt.unknown_batches(connection, send.id)  # later ones are for the next step
        state, _ = sends.state(connection, send.id)
        if state is SendState.CANCELLED:
            pause_cancel.cancel(connection, send.id, now)  # batches planned again since then
            if claim := recall.begin(connection, job, now, accepted=True):
                return claim
            doubt.hold(connection, send.id, now, unknown)
            return doubt.next_due(connection, send.id)
        if state is not SendState.SENDING:  # doubt must not wait: it may get too late to recall
            return recall.begin(connection, job, now) if job.doubt is Doubt.RECALL else None
        if job.doubt is Doubt.RECALL and (claim := recall.begin(connection, job, now)):
            return claim
        if not (job.doubt is Doubt.RESEND and doubt.resend_unknown(connection, send.id, now)):
            doubt.hold(connection, send.id, now, unknown)
        batch = ledger.claim(connection, send.id, owner, now, job.lease)
        return batch or doubt.next_due(connection, send.id)


def _hand_over(job: Job, claim: BatchClaim, status: RunStatus) -> None:
    """Make one request, and record its answer in the ledger."""
    job.checkpoint("claimed")
    claim = _with_addressees(job, claim)
    if not claim.addressees:
        return
    recipients = job.personalize(claim.addressees)
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
        status.retry = max(status.retry, (until, _retry_reason(outcome)))
    if Answer.ACCEPTED in answers:
        status.last_success, status.unanswered = job.clock(), 0
    elif Answer.UNKNOWN in answers:  # even if other recipients got an answer: none was accepted
        status.unanswered += 1
    if status.unanswered >= OUTAGE:
        _pause(job, status.unanswered, outcome)


def _with_addressees(job: Job, claim: BatchClaim) -> BatchClaim:
    """The claim with its addressees; with none if another process has the batch now."""
    with job.database.read() as connection:
        loaded, reasons = ledger.load_addressees(connection, claim, job.frozen.list_id)
    if loaded.addressees and not reasons:
        return loaded
    with job.database.begin() as connection:
        is_ours = ledger.exclude(connection, loaded, reasons, job.clock())
    return loaded if is_ours else claim


def _pause(job: Job, unanswered: int, outcome: Outcome) -> None:
    """Pause the send, so that an outage does not leave the rest of the list in doubt."""
    reason = next(iter(outcome.reasons.values()), "no reason given").rstrip(".")
    message = (
        f"{unanswered} requests in a row were left without an answer ({reason}). "
        f"Check that the provider works."
    )
    with job.database.begin() as connection:
        if pause_cancel.pause(connection, job.frozen.send.id, message, job.clock()):
            job.on_pause(connection, message)


def _retry_reason(outcome: Outcome) -> str:
    """Why some recipients must be handed over later; empty if there is no reason."""
    unsent = (n for n, answer in outcome.answers.items() if answer is Answer.NOT_SENT)
    return next((outcome.reasons.get(delivery, "") for delivery in unsent), "").rstrip(".")


def _submit(
    job: Job, send: Send, claim: BatchClaim, recipients: Sequence[Recipient]
) -> Outcome | None:
    """The provider's outcome; None if the claim was lost before the first byte."""
    started, started_at = time.monotonic(), job.clock()
    with job.database.begin() as connection:
        requests = ledger.start(
            connection, claim, started_at, send.recall_id, job.lease, send.send_at
        )
    if requests is None:
        return None
    try:
        job.before_request(requests)
    except NewsletterError as error:
        return Outcome.all(recipients, Answer.NOT_SENT, str(error), pause=str(error))
    job.checkpoint("started")
    # In a suspended machine the monotonic clock stands still; the wall clock may be set back.
    delay = max(time.monotonic() - started, (job.clock() - started_at).total_seconds())
    if delay > job.lease.total_seconds():
        # Other processes count the batch as in doubt by now, and may have acted on that.
        return Outcome.all(recipients, Answer.NOT_SENT, "its lease had ended")
    return submission.submit(job.provider, send, recipients)


def _record(job: Job, claim: BatchClaim, outcome: Outcome) -> None:
    """Record the answer. Retries, so that a short failure of the database does not lose it.

    After a power cut at this point the batch is in doubt, as if no answer had come.
    """
    deadline = time.monotonic() + RECORD_TIMEOUT
    while True:
        try:
            with job.database.begin(durable=False) as connection:
                ledger.record(connection, claim, outcome, job.clock())
                if outcome.pause and pause_cancel.pause(
                    connection, claim.send_id, outcome.pause, job.clock()
                ):
                    job.on_pause(connection, outcome.pause)
        except DatabaseError:
            if time.monotonic() > deadline:
                raise
            time.sleep(MAX_POLL)
        else:
            return


def _require_progress(status: RunStatus, send: Send, now: datetime) -> None:
    """Raises NotReadyError if the provider has taken nothing for MAX_IDLE."""
    if now - status.last_success > MAX_IDLE:
        _, reason = status.retry
        detail = f" ({reason})" if reason else ""
        raise NotReadyError(
            f"The provider has taken nothing of {send.issue} for half an hour{detail}; the readers "
            f"who wait are kept. Check `newsletter receipt {send.issue}`, then resume with: "
            f"newsletter send {send.issue}"
        )
