"""A run of a send: one thread for each request that the provider takes at once."""

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

from newsletter.deliver.job import Job, RunStatus
from newsletter.deliver.worker import work
from newsletter.errors import NotReadyError
from newsletter.model import Doubt
from newsletter.providers import Interruptible, Parallel
from newsletter.store import doubt, receipts, sends
from newsletter.store.sends import SendState

POLL = 0.2  # seconds between two checks of the threads
COUNT_SHARE = 20  # counting for the progress takes at most 1/20 of the time

Progress = Callable[[dict[str, int]], None]  # gets state → deliveries


def run(
    job: Job,
    progress: Progress | None = None,
    waiting: Callable[[datetime, str], None] = lambda *_: None,
    heartbeat: Callable[[], None] = lambda: None,
    *,
    resume: bool = True,
) -> None:
    """Deliver everything that can be delivered. Without ``resume`` a paused send stays paused.

    ``progress`` gets the number of deliveries in each state now and then, but not at the end: the
    receipt has those. ``waiting`` gets the moment until which all threads wait, and the provider's
    reason or "". ``heartbeat`` is called now and then. If the send is cancelled, mails that have
    not left yet are recalled.

    Raises NotReadyError if the send is paused, or the provider takes nothing for half an hour, and
    DatabaseError if the database fails: recorded answers stay, the rest waits or is in doubt.
    """
    send = job.frozen.send
    if resume:
        with job.database.begin() as connection:
            sends.set_state(
                connection, send.id, SendState.SENDING, job.clock(), only_from=SendState.PAUSED
            )
    owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    status = RunStatus(job.clock())
    workers = job.workers or (job.provider.workers if isinstance(job.provider, Parallel) else 1)
    if isinstance(job.provider, Interruptible):
        job.provider.stop_on(job.stop)
    with _rare_garbage_collection(), ThreadPoolExecutor(workers, "delivery") as pool:
        threads = [pool.submit(work, job, owner, status, waiting) for _ in range(workers)]
        try:
            _supervise(job, threads, status, progress, heartbeat)
        except BaseException:
            job.stop.set()
            raise
        finally:
            status.notify()
    for thread in threads:
        thread.result()
    _finish(job)


@contextmanager
def _rare_garbage_collection() -> Iterator[None]:
    """Collect garbage rarely, and skip objects that exist already: a batch creates thousands of
    objects without cycles, and scanning them all took half of the time.
    """
    thresholds = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(5_000, 10, 10)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()


def _supervise(
    job: Job,
    threads: list[Future[None]],
    status: RunStatus,
    progress: Progress | None,
    heartbeat: Callable[[], None],
) -> None:
    """Report progress until all threads end. If one fails, the others finish their requests."""
    next_count, until = 0.0, FIRST_EXCEPTION
    while True:
        ended, running = wait_for(threads, POLL, until)
        if until is FIRST_EXCEPTION and any(thread.exception() for thread in ended):
            until = ALL_COMPLETED
            job.stop.set()
            status.notify()
        if not running:
            return
        if time.monotonic() >= next_count and not job.stop.is_set():
            started = time.monotonic()
            heartbeat()
            if progress:
                with job.database.read() as connection:
                    progress(receipts.counts(connection, job.frozen.send.id))
            next_count = time.monotonic() + max(1.0, COUNT_SHARE * (time.monotonic() - started))


def _finish(job: Job) -> None:
    send, now = job.frozen.send, job.clock()
    with job.database.begin() as connection:
        state, reason = sends.state(connection, send.id)
        if job.doubt is Doubt.HOLD:  # also if the send is paused or stopped: no worker will do it
            doubt.hold(connection, send.id, now)
        # The quicker query comes first. Only the first of several processes ends the send.
        if state is not SendState.DONE and not (
            doubt.has_unsettled(connection, send.id) or receipts.has_waiting(connection, send.id)
        ):
            sends.set_state(connection, send.id, SendState.DONE, now, only_from=SendState.SENDING)
            if held := doubt.held_batches(connection, send.id):
                job.on_doubt(connection, sum(count for _, count, _ in held), held[-1][0])
    if state is SendState.PAUSED:
        raise NotReadyError(
            f"The send of {send.issue} is paused: {reason} "
            f"To resume it: newsletter send {send.issue}"
        )
