"""What a run of a send needs, and the status that its threads share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from newsletter.model import Doubt, Recipient
from newsletter.providers import Provider
from newsletter.store import Connection, Database
from newsletter.store.ledger import LEASE, Addressee
from newsletter.store.sends import FrozenSend

# The named moments at which a rehearsal kills the program.
CHECKPOINTS = ("claimed", "started", "answered", "recorded", "recalling", "recalled")


def _nothing(*_: object) -> None:
    pass


@dataclass(frozen=True)
class Job:
    """One send to deliver, and how."""

    database: Database
    provider: Provider
    frozen: FrozenSend
    personalize: Callable[[Sequence[Addressee]], Sequence[Recipient]]  # adds readers' own parts
    doubt: Doubt
    clock: Callable[[], datetime]
    # Gets the number of requests begun so far, before the first byte of each. It raises
    # NewsletterError if it cannot record that; the request is not made then.
    before_request: Callable[[int], None] = _nothing
    checkpoint: Callable[[str], None] = _nothing  # gets the names in CHECKPOINTS
    # Setting it ends the run once the requests in progress are answered.
    stop: threading.Event = field(default_factory=threading.Event)
    lease: timedelta = LEASE  # how long a claim lasts without an answer
    workers: int | None = None  # requests at once; None: as many as the provider takes
    # With the policy "recall", how long the provider holds mails that are handed over after the
    # send's own moment; None: it releases them at once.
    ahead: timedelta | None = None
    # Gets the reason when the send pauses by itself, in that transaction.
    on_pause: Callable[[Connection, str], None] = _nothing
    # Gets how many readers are in doubt at the end, and the last of their batches, in the
    # transaction that ends the send.
    on_doubt: Callable[[Connection, int, int], None] = _nothing


class RunStatus:
    """What the threads of a run share: the provider's last answers, and a signal on each change."""

    def __init__(self, now: datetime) -> None:
        self.last_success = now
        self.unanswered = 0  # requests without an answer since the last accepted one
        self.retry = (now, "")  # until when the provider asked us to wait, and its reason
        self._changed = threading.Condition()
        self._busy = 0  # threads
        self._reported: datetime | None = None

    @contextmanager
    def busy(self) -> Iterator[None]:
        """While this thread works, the others do not report that they wait."""
        with self._changed:
            self._busy += 1
        try:
            yield
        finally:
            with self._changed:
                self._busy -= 1

    def retry_reason(self, moment: datetime) -> str:
        """The provider's reason for a wait until ``moment``; empty if it gave none."""
        until, reason = self.retry
        return reason if moment <= until else ""

    def is_first_report(self, moment: datetime) -> bool:
        """Whether all threads wait until ``moment`` and none has reported that yet."""
        with self._changed:
            if self._busy or moment == self._reported:
                return False
            self._reported = moment
            return True

    def notify(self) -> None:
        """Wake the threads that wait: something has changed."""
        with self._changed:
            self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Wait for the next change, at most ``seconds``."""
        with self._changed:
            self._changed.wait(seconds)
