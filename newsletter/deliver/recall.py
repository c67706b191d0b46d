"""The policy "recall": hand mails over ahead of time, so that those in doubt can be taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from newsletter.deliver.job import Job
from newsletter.deliver.submission import checked, failure
from newsletter.model import Answer, Doubt, Outcome, Recall, Recipient, Send
from newsletter.providers import Recalls
from newsletter.store import Connection, recalls, sends
from newsletter.store.recalls import RecallClaim
from newsletter.store.sends import SendState

TOO_LATE = timedelta(seconds=30)  # a moment this near does not count as ahead
MAX_ID = 200  # characters
RETRY = 30.0  # seconds until a failed adaptor is asked again
STEP = timedelta(minutes=5)  # the release of mails handed over late is a multiple of it


def prepare(job: Job, send: Send, recipients: Sequence[Recipient]) -> Send | Outcome:
    """The send for this batch: with its release, and an id to recall it by.

    Returns an Outcome if the provider has no id for us now; nothing has been sent then.
    """
    now, provider = job.clock(), job.provider
    if send.send_at is None or send.send_at <= now + TOO_LATE:
        send = replace(send, send_at=None)
    if job.doubt is not Doubt.RECALL or not isinstance(provider, Recalls):
        return send
    late = send.send_at is None or send.send_at <= now + provider.recall_margin
    moment = late_moment(now, job.ahead) if late else send.send_at
    if moment is None:
        return send
    recall_id = _open_batch(provider, recipients)
    if recall_id is None:
        return send
    if isinstance(recall_id, Outcome):
        return recall_id
    return replace(send, send_at=moment, recall_id=recall_id)


def _open_batch(provider: Recalls, recipients: Sequence[Recipient]) -> str | Outcome | None:
    """A new id for the batch, or an Outcome that retries it if the adaptor fails."""
    try:
        recall_id: object = provider.open_batch(recipients)
        if isinstance(recall_id, Outcome):
            return checked(recall_id, recipients)
        if recall_id is None or (isinstance(recall_id, str) and len(recall_id) <= MAX_ID):
            return recall_id
        raise TypeError(f"open_batch gave {recall_id!r:.100}")  # noqa: TRY301
    except (Exception, SystemExit) as error:  # noqa: BLE001 - outside code may raise anything
        reason = failure(provider, error)
        return Outcome.all(recipients, Answer.NOT_SENT, reason, retry_after=RETRY)


def late_moment(now: datetime, ahead: timedelta | None) -> datetime | None:
    """The release of mails handed over now, if the send's own moment has passed.

    It is the same for every process within ``STEP``; None for at once.
    """
    if ahead is None:
        return None
    start = datetime.fromtimestamp(0, UTC)
    return start - (start - now - ahead) // STEP * STEP


def begin(
    connection: Connection, job: Job, now: datetime, *, accepted: bool = False
) -> RecallClaim | None:
    """Claim the next batch to recall; None if there is none, or no more can be recalled now."""
    provider = job.provider
    if not isinstance(provider, Recalls):
        return None
    return recalls.begin(
        connection,
        job.frozen.send.id,
        now,
        margin=provider.recall_margin,
        most=provider.most_recalls,
        accepted=accepted,
        lease=job.lease,
    )


def ask_provider(job: Job, claim: RecallClaim) -> None:
    """Ask the provider to drop the batch, and record its answer."""
    provider = job.provider
    assert isinstance(provider, Recalls)  # noqa: S101 - begin() returns None for others
    job.checkpoint("recalling")
    try:
        answer = provider.recall(claim.recall_id)
        if not isinstance(answer, Recall) or not isinstance(answer.reason, str):
            raise TypeError(f"recall gave {answer!r:.100}")  # noqa: TRY301
    except (Exception, SystemExit) as error:  # noqa: BLE001 - asking again does no harm
        answer = Recall(False, failure(provider, error), again=True)
    job.checkpoint("recalled")
    with job.database.begin() as connection:
        state, _ = sends.state(connection, claim.send_id)
        again = state is not SendState.CANCELLED
        recalls.end(connection, claim, answer, job.clock(), again=again)
