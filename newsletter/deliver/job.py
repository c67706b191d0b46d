"""What a run of a send works with, and the pulse that its threads share."""

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


def _nothing(_: object) -> None:
    pass


def _nobody(*_: object) -> None:
    pass


@dataclass(frozen=True)
class Job:
    """One send on its way.

    ``personal`` makes readers' own parts. ``witness`` is told how many requests were begun,
    before the first byte of each; it raises NewsletterError where it cannot keep that.
    ``checkpoint`` hears the names in CHECKPOINTS. Setting ``stop`` ends the run once what is
    under way is answered. ``lease``: how long a batch is ours without an answer.
    ``workers``: requests at once; None: as many as the provider takes. ``ahead``: how long before
    they leave mails are handed over, with the policy "recall", when the send's own moment has gone
    by; None: they leave at once. ``paused`` is told why the send stops by itself, ``doubtful`` how
    many readers are in doubt at its end and the last of their batches, each in the transaction of
    that.
    """

    database: Database
    provider: Provider
    frozen: FrozenSend
    personal: Callable[[Sequence[Addressee]], Sequence[Recipient]]
    doubt: Doubt
    clock: Callable[[], datetime]
    witness: Callable[[int], None] = _nothing
    checkpoint: Callable[[str], None] = _nothing
    stop: threading.Event = field(default_factory=threading.Event)
    lease: timedelta = LEASE
    workers: int | None = None
    ahead: timedelta | None = None
    paused: Callable[[Connection, str], None] = _nobody
    doubtful: Callable[[Connection, int, int], None] = _nobody


class Pulse:
    """Tells the waiting threads of a run that something has changed, and how it last went on."""

    def __init__(self, now: datetime) -> None:
        self.last_success = now
        self.silent = 0  # requests without an answer since something was accepted
        self.patience = (now, "")  # until when the provider wanted to be left alone, and why
        self._changed = threading.Condition()
        self._at_work = 0
        self._said: datetime | None = None

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """This thread does something; others who wait for that need not say so."""
        with self._changed:
            self._at_work += 1
        try:
            yield
        finally:
            with self._changed:
                self._at_work -= 1

    def why(self, moment: datetime) -> str:
        """Why it is waited until then, where the provider has said so."""
        until, why = self.patience
        return why if moment <= until else ""

    def is_news(self, moment: datetime) -> bool:
        """Whether all threads wait until then, and nobody has said so."""
        with self._changed:
            if self._at_work or moment == self._said:
                return False
            self._said = moment
            return True

    def beat(self) -> None:
        """Something has changed: whoever waits looks again."""
        with self._changed:
            self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Until the next beat, or so long."""
        with self._changed:
            self._changed.wait(seconds)
