"""The policy "recall": hand over ahead, so that what is in doubt can be taken back in time."""

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

TOO_LATE = timedelta(seconds=30)  # a moment so near is no moment ahead any more
LONGEST_ID = 200  # characters
RETRY = 30.0  # seconds until an adaptor that has failed is asked again
TOGETHER = timedelta(minutes=5)  # what is handed over late leaves at a multiple of it


def prepare(job: Job, send: Send, recipients: Sequence[Recipient]) -> Send | Outcome:
    """The send as this batch goes out: at its moment, and with an id to take it back by.

    An Outcome where the provider has no id for us now; nothing has been sent then.
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
    opened = _opened(provider, recipients)
    if opened is None:
        return send
    if isinstance(opened, Outcome):
        return opened
    return replace(send, send_at=moment, recall_id=opened)


def _opened(provider: Recalls, recipients: Sequence[Recipient]) -> str | Outcome | None:
    """A new id for the batch; where the adaptor fails, nothing was sent and it is asked again."""
    try:
        opened: object = provider.open_batch(recipients)
        if isinstance(opened, Outcome):
            return checked(opened, recipients)
        if opened is None or (isinstance(opened, str) and len(opened) <= LONGEST_ID):
            return opened
        raise TypeError(f"open_batch gave {opened!r:.100}")  # noqa: TRY301
    except (Exception, SystemExit) as error:  # noqa: BLE001 - outside code may raise anything
        reason = failure(provider, error)
        return Outcome.all(recipients, Answer.NOT_SENT, reason, retry_after=RETRY)


def late_moment(now: datetime, ahead: timedelta | None) -> datetime | None:
    """The moment for what is handed over now, after the send's own: the same for all of some
    minutes, whichever process hands it over.
    """
    if ahead is None:
        return None
    start = datetime.fromtimestamp(0, UTC)
    return start - (start - now - ahead) // TOGETHER * TOGETHER


def begin(
    connection: Connection, job: Job, now: datetime, *, accepted: bool = False
) -> RecallClaim | None:
    """The next batch to be taken back; None where there is none, or no more can be."""
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


def ask_provider(job: Job, held: RecallClaim) -> None:
    """Ask the provider to drop the batch, and act on its answer."""
    provider = job.provider
    assert isinstance(provider, Recalls)  # noqa: S101 - begin() gives nothing for others
    job.checkpoint("recalling")
    try:
        answer = provider.recall(held.recall_id)
        if not isinstance(answer, Recall) or not isinstance(answer.reason, str):
            raise TypeError(f"recall gave {answer!r:.100}")  # noqa: TRY301
    except (Exception, SystemExit) as error:  # noqa: BLE001 - asking once more does no harm
        answer = Recall(False, failure(provider, error), again=True)
    job.checkpoint("recalled")
    with job.database.begin() as connection:
        state, _ = sends.state(connection, held.send_id)
        again = state is not SendState.CANCELLED
        recalls.end(connection, held, answer, job.clock(), again=again)
