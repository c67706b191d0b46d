"""Deliver a frozen send, in as many processes as its list is worth.

One process keeps one processor core busy with the readers' own parts; the ledger lets any number
of them share a send.
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
from newsletter.store.sends import Frozen

LARGE = 50_000  # readers for each process: a new one needs about a second to begin
MOST = 4  # processes
LOOK = 0.1  # seconds between two looks whether the send is to stop

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
    """What is done about doubt. Raises ConfigError for what the provider cannot do."""
    chosen, able = desk.config.delivery.doubt, isinstance(desk.provider, Recalls)
    if chosen is Doubt.RECALL and not able:
        raise ConfigError(
            f'[delivery] doubt = "recall" needs a provider that can take mails back, such as '
            f'sendgrid; {desk.config.provider.type} cannot. Write "hold", or leave it out.'
        )
    return chosen or (Doubt.RECALL if able else Doubt.HOLD)


def job(
    desk: Desk,
    frozen: Frozen,
    observer: SendObserver,
    workers: int | None = None,
    lease: timedelta = LEASE,
) -> Job:
    """What a run of the send works with. Raises ConfigError where it cannot be sent like that."""
    issue = frozen.issue

    def paused(connection: Connection, why: str) -> None:
        queue.add_or_log(desk, connection, lambda: wording.paused(desk, issue, why))

    def doubtful(connection: Connection, readers: int, last: int) -> None:
        queue.add_or_log(desk, connection, lambda: wording.doubt(desk, issue, readers, last))

    return Job(
        desk.database,
        desk.provider,
        frozen,
        personalizer(desk, frozen.list_id),
        doubt_policy(desk),
        desk.clock,
        partial(installation.witness, desk.folder, issue),
        observer.checkpoint,
        observer.stop,
        lease,
        workers,
        desk.config.delivery.ahead,
        paused,
        doubtful,
    )


def deliver(desk: Desk, frozen: Frozen, observer: SendObserver, *, sign: bool = True) -> None:
    """Deliver all that can be delivered; raises as ``deliver.run`` does.

    ``sign``: this installation becomes the one that sends.
    """
    if sign:
        clone_guard.record_use(desk)
    sign_again = clone_guard.use_recorder(desk) if sign else _nothing

    def heartbeat() -> None:
        sign_again()
        observer.heartbeat()

    crew = process_count(desk, frozen.eligible)
    share = _workers(desk) // crew
    work = job(desk, frozen, observer, share)
    with _helpers(desk.config, frozen, crew - 1, share, observer.stop):
        run(work, observer.progress, observer.waits, heartbeat)


def _workers(desk: Desk) -> int:
    """How many requests the provider takes at once."""
    return desk.provider.workers if isinstance(desk.provider, Parallel) else 1


def process_count(desk: Desk, readers: int) -> int:
    """How many processes are worth it for so many readers, and suit the provider."""
    provider = desk.provider
    # Another process would have another clock.
    if not isinstance(provider, Parallel) or desk.clock is not utc_now:
        return 1
    count = provider.processes
    if count is None:
        count = min(MOST, os.cpu_count() or 1, readers // LARGE)
    return max(1, min(count, provider.workers))


@contextmanager
def _helpers(
    config: Config, frozen: Frozen, count: int, share: int, stop: threading.Event
) -> Iterator[None]:
    """So many processes that work on the send, too, each with its share of the requests at once.

    They end with it, and when ``stop`` is set, after what they have under way.
    """
    fresh = multiprocessing.get_context("spawn")  # not forked: threads and connections are open
    crew: list[BaseProcess] = []
    for _ in range(count):
        helper: BaseProcess = fresh.Process(target=_help, args=(config, frozen, share))
        try:
            helper.start()
        except OSError as error:  # no memory, or too many processes
            log.warning("A helping process cannot be started (%s): it goes on without.", error)
            break
        crew.append(helper)
    over = threading.Event()
    watcher = threading.Thread(target=_stop_with, args=(crew, stop, over), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        for each in crew:
            each.join()


def _stop_with(crew: list[BaseProcess], stop: threading.Event, over: threading.Event) -> None:
    while not (stop.wait(LOOK) or over.is_set()):
        pass
    for helper in crew:
        helper.terminate()


def _help(config: Config, frozen: Frozen, share: int) -> None:
    """The work of a helper. What stops it stops the first process as well, and that one says so."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the first process hears it
    logging.disable(logging.WARNING)
    threading.Thread(target=_stop_when_orphaned, args=(stop,), daemon=True).start()
    desk = Desk(config)
    try:
        # The first process may have paused it before this one has begun.
        run(job(desk, frozen, SendObserver(stop=stop), share), resume=False)
    except NotReadyError:
        pass
    except NewsletterError as error:
        log.error("a helping process has stopped: %s", error)  # noqa: TRY400
    finally:
        desk.close()


def _stop_when_orphaned(stop: threading.Event) -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
    stop.set()
