"""``newsletter run``: keeps the timetables of newsletters until it is stopped.

Whatever is due is done by a process of its own, ``newsletter tick``: it reads newsletter.toml as it
is then, one newsletter cannot hold up another, and the memory of a gather goes with it.
"""

from __future__ import annotations

import logging
import queue
import signal
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import BaseScheduler

from newsletter.app import identity, logs
from newsletter.app.desk import Desk, open_desk
from newsletter.app.service import systemd
from newsletter.app.service.health import STUCK, Status, health
from newsletter.app.service.newsletter import Newsletter
from newsletter.app.service.triggers import Every
from newsletter.errors import NewsletterError

log = logging.getLogger(__name__)

INTERVAL = 60.0  # seconds from one check of a newsletter to the next
MOST = 8  # ticks at once: a gather takes some 100 MB. Those that send do not count
JOBS = {"coalesce": True, "misfire_grace_time": None, "max_instances": 4}

Listen = Callable[[Callable[[], tuple[bool, object]]], int]  # answers /healthz; the port


def run(
    folders: Sequence[Path],
    style: logs.Style = "text",
    listen: Listen | None = None,
    interval: float = INTERVAL,
    stuck: float = STUCK,
    most: int = MOST,
) -> None:
    """Keep the timetables of the newsletters in these folders until SIGTERM or SIGINT.

    ``style`` is that of the log. A tick that gives no sign of life for ``stuck`` seconds is ended.
    A newsletter whose configuration cannot be read is waited for. Raises ConfigError if that is
    all of them, UsageError if two folders hold one newsletter.
    """
    signals = queue.SimpleQueue[int]()  # the queue that a handler of signals may use
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: signals.put(number))
    statuses, every = _statuses(folders), timedelta(seconds=interval)
    if listen:
        port = listen(lambda: health(statuses, time.monotonic()))
        log.info("/healthz is answered on http://127.0.0.1:%d/healthz", port)
    threads = {"default": ThreadPoolExecutor(4 * len(folders) + 1)}
    scheduler = BackgroundScheduler(timezone=UTC, executors=threads, job_defaults=JOBS)
    scheduler.add_job(systemd.tell, Every(every), [systemd.ALIVE])
    tick = (scheduler, threading.Semaphore(most), "--log", style, "--signs", str(stuck))
    newsletters = [Newsletter(status, *tick) for status in statuses]
    for newsletter in newsletters:
        scheduler.add_job(newsletter.check, Every(every))
    systemd.tell(systemd.READY)
    scheduler.start()
    while not _signalled(signals, interval):
        catch_up(scheduler, every)
    systemd.tell(systemd.STOPPING)
    scheduler.shutdown(wait=False)
    if any(newsletter.busy for newsletter in newsletters):
        log.info("Stopping: what is under way is answered first. Once more ends it at once")
    for number in (signal.SIGTERM, signal.SIGKILL):
        for newsletter in newsletters:
            newsletter.stop(number)
        while any(n.busy for n in newsletters) and not _signalled(signals, 0.1):
            pass
    log.info("Stopped.")


def catch_up(scheduler: BaseScheduler, every: timedelta) -> None:
    """Start all jobs anew if they wait for a clock that was set back to be there again."""
    latest, jobs = datetime.now(UTC) + every, scheduler.get_jobs()
    if any(isinstance(job.trigger, Every) and job.next_run_time > latest for job in jobs):
        for job in jobs:
            job.reschedule(job.trigger)


def _signalled(signals: queue.SimpleQueue[int], seconds: float) -> bool:
    """Whether a signal comes within that time."""
    try:
        signals.get(timeout=seconds)
    except queue.Empty:
        return False
    return True


def _statuses(folders: Sequence[Path]) -> list[Status]:
    """One for each newsletter; raises as ``run`` does."""
    statuses, desks = [], list[Desk]()
    for folder in folders:
        status = Status(folder, None, time.monotonic())
        try:
            desk = open_desk(folder)
            identity.database_location(desk)
            desks.append(desk)
            status.name = desk.name
        except NewsletterError as error:
            fault, status.trouble, status.misconfigured = error, str(error), True
        statuses.append(status)
    if not desks:
        raise fault
    if len(folders) > 1:
        identity.require_different(folders, desks)
    for status in statuses:
        if status.trouble:
            log.error("%s", status.trouble)
    for desk in desks:
        with logs.context(newsletter=desk.name):
            log.info("Running %s (%s)", desk.name, desk.config.newsletter.timezone)
    return statuses
