"""A run of a send: as many threads as the provider takes requests at once, watched from one."""

from __future__ import annotations

import gc
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ALL_COMPLETED, FIRST_EXCEPTION, Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import contextmanager
from datetime import datetime

from newsletter.deliver.job import Job, Pulse
from newsletter.deliver.worker import work
from newsletter.errors import NotReadyError
from newsletter.model import Doubt
from newsletter.providers import Interruptible, Parallel
from newsletter.store import doubt, receipts, sends
from newsletter.store.sends import SendState

LOOK = 0.2  # seconds between two looks at the threads
SHARE = 20  # counting takes at most one part in so many of the time

Report = Callable[[dict[str, int]], None]


def run(
    job: Job,
    report: Report | None = None,
    waiting: Callable[[datetime, str], None] = lambda *_: None,
    alive: Callable[[], None] = lambda: None,
    *,
    resume: bool = True,
) -> None:
    """Deliver all that can be delivered; without ``resume`` nothing of a send that is paused.

    ``report``, if there is one, gets the number of deliveries in each state now and then (but not
    at the end: that is the receipt's), ``waiting`` a moment that is waited for, and what the
    provider says where it wants that; ``alive`` is called now and then. Of a cancelled send, what
    has not gone yet is taken back. Raises NotReadyError where the send is paused, or the provider
    takes nothing for half an hour; DatabaseError where the database is gone: what was answered
    before is recorded, the rest waits or is in doubt.
    """
    send = job.frozen.send
    if resume:
        with job.database.begin() as connection:
            sends.set_state(
                connection, send.id, SendState.SENDING, job.clock(), only_from=SendState.PAUSED
            )
    owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    pulse = Pulse(job.clock())
    workers = job.workers or (job.provider.workers if isinstance(job.provider, Parallel) else 1)
    if isinstance(job.provider, Interruptible):
        job.provider.stop_on(job.stop)
    with _little_garbage(), ThreadPoolExecutor(workers, "delivery") as crew:
        hands = [crew.submit(work, job, owner, pulse, waiting) for _ in range(workers)]
        try:
            _watch(job, hands, pulse, report, alive)
        except BaseException:
            job.stop.set()
            raise
        finally:
            pulse.beat()
    for hand in hands:
        hand.result()
    _finish(job)


@contextmanager
def _little_garbage() -> Iterator[None]:
    """Collect seldom, and nothing of what was there before: a batch makes thousands of objects
    without a cycle, and looking through them all took half of the time.
    """
    thresholds = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(5_000, 10, 10)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


def _watch(
    job: Job,
    hands: list[Future[None]],
    pulse: Pulse,
    report: Report | None,
    alive: Callable[[], None],
) -> None:
    """Report on the way; where one thread fails, the others come to their end."""
    count_again, until = 0.0, FIRST_EXCEPTION
    while True:
        done, under_way = wait_for(hands, LOOK, until)
        if until is FIRST_EXCEPTION and any(hand.exception() for hand in done):
            until = ALL_COMPLETED
            job.stop.set()
            pulse.beat()
        if not under_way:
            return
        if time.monotonic() >= count_again and not job.stop.is_set():
            started = time.monotonic()
            alive()
            if report:
                with job.database.read() as connection:
                    report(receipts.counts(connection, job.frozen.send.id))
            count_again = time.monotonic() + max(1.0, SHARE * (time.monotonic() - started))


def _finish(job: Job) -> None:
    send, now = job.frozen.send, job.clock()
    with job.database.begin() as connection:
        state, reason = sends.state(connection, send.id)
        if job.doubt is Doubt.HOLD:  # also where it was paused or stopped: no look comes to it
            doubt.hold(connection, send.id, now)
        # What is quicker is looked at first; of several processes one is the first to end it.
        if state is not SendState.DONE and not (
            doubt.has_unsettled(connection, send.id) or receipts.has_waiting(connection, send.id)
        ):
            sends.set_state(connection, send.id, SendState.DONE, now, only_from=SendState.SENDING)
            if held := doubt.held_batches(connection, send.id):
                job.doubtful(connection, sum(count for _, count, _ in held), held[-1][0])
    if state is SendState.PAUSED:
        raise NotReadyError(
            f"The send of {send.issue} is paused: {reason} To go on: newsletter send {send.issue}"
        )
