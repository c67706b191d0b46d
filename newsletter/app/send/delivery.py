"""Deliver a frozen send, in several processes if the list is long.

Filling in the readers' own parts keeps one processor core busy per process; the ledger lets any
number of processes share a send.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from multiprocessing.process import BaseProcess

from newsletter import installation
from newsletter.app.alerts import queue, wording
from newsletter.app.desk import Desk, utc_now
from newsletter.app.recipients import personalizer
from newsletter.app.send import clone_guard
from newsletter.config import Config
from newsletter.deliver import LEASE, Job, run
from newsletter.errors import ConfigError, NewsletterError, NotReadyError
from newsletter.model import Doubt
from newsletter.providers import Parallel, Recalls
from newsletter.store import Connection
from newsletter.store.sends import FrozenSend

READERS_PER_PROCESS = 50_000  # a process needs about a second to start
MAX_PROCESSES = 4
STOP_POLL = 0.1  # seconds

log = logging.getLogger(__name__)


def _nothing(*_: object) -> None:
    pass


@dataclass(frozen=True)
class SendObserver:
    """Follows a send, and can stop it."""

    progress: Callable[[dict[str, int]], None] | None = None
    """Gets the receipt's numbers by delivery state, now and then and at the end."""
    waits: Callable[[datetime, str], None] = _nothing
    """Gets the moment that the send waits for, and why ("" if that is unknown)."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Set it to end the send after the requests that are under way."""
    checkpoint: Callable[[str], None] = _nothing
    """Gets the name of each step, such as "frozen"; tests kill the program there."""
    heartbeat: Callable[[], None] = _nothing
    """Called now and then while the send runs."""


def doubt_policy(desk: Desk) -> Doubt:
    """What happens to batches in doubt. Raises ConfigError if the provider cannot do it."""
    chosen, can_recall = desk.config.delivery.doubt, isinstance(desk.provider, Recalls)
    if chosen is Doubt.RECALL and not can_recall:
        raise ConfigError(
            f'[delivery] doubt = "recall" needs a provider that can recall mails, such as '
            f'sendgrid; {desk.config.provider.type} cannot. Write "hold", or remove the line.'
        )
    return chosen or (Doubt.RECALL if can_recall else Doubt.HOLD)


def job(
    desk: Desk,
    frozen: FrozenSend,
    observer: SendObserver,
    workers: int | None = None,
    lease: timedelta = LEASE,
) -> Job:
    """The job that delivers the send. Raises ConfigError if the configuration rules it out."""
    issue = frozen.issue

    def paused(connection: Connection, reason: str) -> None:
        queue.add_or_log(desk, connection, lambda: wording.paused(desk, issue, reason))

    def doubtful(connection: Connection, readers: int, last_batch: int) -> None:
        queue.add_or_log(desk, connection, lambda: wording.doubt(desk, issue, readers, last_batch))

    return Job(
        desk.database,
        desk.provider,
        frozen,
        personalizer(desk, frozen.list_id),
        doubt_policy(desk),
        desk.clock,
        partial(installation.record, desk.folder, issue),
        observer.checkpoint,
        observer.stop,
        lease,
        workers,
        desk.config.delivery.ahead,
        paused,
        doubtful,
    )


def deliver(desk: Desk, frozen: FrozenSend, observer: SendObserver, *, record: bool = True) -> None:
    """Deliver all that can be delivered. Raises what ``deliver.run`` raises.

    ``record``: record this installation as the one that sends.
    """
    if record:
        clone_guard.record_use(desk)
    record_again = clone_guard.use_recorder(desk) if record else _nothing

    def heartbeat() -> None:
        record_again()
        observer.heartbeat()

    count = process_count(desk, frozen.eligible)
    provider = desk.provider
    workers = (provider.workers if isinstance(provider, Parallel) else 1) // count
    send_job = job(desk, frozen, observer, workers)
    with _child_processes(desk.config, frozen, count - 1, workers, observer.stop):
        run(send_job, observer.progress, observer.waits, heartbeat)


def process_count(desk: Desk, readers: int) -> int:
    """How many processes to deliver with, for so many readers and this provider."""
    provider = desk.provider
    # Another process would have another clock.
    if not isinstance(provider, Parallel) or desk.clock is not utc_now:
        return 1
    count = provider.processes
    if count is None:
        count = min(MAX_PROCESSES, os.cpu_count() or 1, readers // READERS_PER_PROCESS)
    return max(1, min(count, provider.workers))


@contextmanager
def _child_processes(
    config: Config, frozen: FrozenSend, count: int, workers: int, stop: threading.Event
) -> Iterator[None]:
    """Run ``count`` more processes that deliver the send, each with ``workers`` requests at once.

    They end with the send. When ``stop`` is set, they finish their open requests and end.
    """
    spawn = multiprocessing.get_context("spawn")  # not fork: threads and connections are open
    children: list[BaseProcess] = []
    for _ in range(count):
        child: BaseProcess = spawn.Process(target=_deliver_in_child, args=(config, frozen, workers))
        try:
            child.start()
        except OSError as error:  # no memory, or too many processes
            log.warning("Cannot start another process (%s): the send continues without it.", error)
            break
        children.append(child)
    over = threading.Event()
    stopper = threading.Thread(target=_terminate_on_stop, args=(children, stop, over), daemon=True)
    stopper.start()
    try:
        yield
    finally:
        over.set()
        stopper.join()
        for child in children:
            child.join()


def _terminate_on_stop(
    children: list[BaseProcess], stop: threading.Event, over: threading.Event
) -> None:
    while not (stop.wait(STOP_POLL) or over.is_set()):
        pass
    for child in children:
        child.terminate()


def _deliver_in_child(config: Config, frozen: FrozenSend, workers: int) -> None:
    """Deliver in a child process. It reports no pause: the first process does."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C: the first process handles it
    logging.disable(logging.WARNING)
    threading.Thread(target=_stop_when_orphaned, args=(stop,), daemon=True).start()
    desk = Desk(config)
    try:
        # The first process may have paused the send before this one started.
        run(job(desk, frozen, SendObserver(stop=stop), workers), resume=False)
    except NotReadyError:
        pass
    except NewsletterError as error:
        log.error("A process of the send has stopped: %s", error)  # noqa: TRY400
    finally:
        desk.close()


def _stop_when_orphaned(stop: threading.Event) -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
    stop.set()
