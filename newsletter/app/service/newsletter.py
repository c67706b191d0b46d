"""One newsletter of the service: its checks, and its ticks as processes of their own."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack, suppress
from itertools import islice

from apscheduler.schedulers.base import BaseScheduler

from newsletter.app import logs
from newsletter.app.clock.next_tick import Outlook
from newsletter.app.clock.timetable_pass import PassResult, ping
from newsletter.app.desk import Desk
from newsletter.app.service.health import Status
from newsletter.app.service.triggers import Timetable
from newsletter.app.timetable import moves

log = logging.getLogger(__name__)
_log_turn = threading.Lock()  # the context of the log is the same for all threads

ALIVE, SENDS = "alive\n", "sends\n"  # signs of life from a tick; its last line is its result


class Newsletter:
    """Ticks at the moments of the timetable, and when a check finds that something is due.

    A tick holds one of the ``slots`` until it begins to send.
    """

    def __init__(
        self, status: Status, scheduler: BaseScheduler, slots: threading.Semaphore, *options: str
    ) -> None:
        self.status, self._scheduler, self._slots = status, scheduler, slots
        tick = ("-P", "-m", "newsletter.cli", "-C", str(status.folder), "tick")
        self._command = [sys.executable, *tick, *options]
        self._outlook = Outlook(status.folder)
        self._timetable: Timetable | None = None
        self._checking, self._ticking = threading.Lock(), threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._stopping = False
        self._last = PassResult(status.trouble)

    @property
    def busy(self) -> bool:
        """Whether a tick is running, or waits for a slot."""
        return self._ticking.locked()

    def check(self) -> None:
        """One pass: a tick, unless there is nothing to do. The first one is a tick in any case."""
        hangs = self._checking.locked()  # the database does not answer; a tick can be ended
        if hangs or not self.status.passes or self.status.trouble:
            self.tick()
        if hangs or self.busy or self._stopping or self.status.trouble:
            return
        if desk := self._idle():
            self.status.passes += 1
            self._record(PassResult(ping_failure=ping(desk)))
        else:
            self.tick()

    def tick(self) -> None:
        """Run ``newsletter tick`` to its end, unless one is running."""
        if self._ticking.acquire(blocking=False):
            try:
                with ExitStack() as slot:
                    slot.enter_context(self._slots)
                    result = None if self._stopping else self._run(slot)
                if result:
                    self._record(result)
            finally:
                self._ticking.release()

    def stop(self, number: int) -> None:
        """Start no more ticks, and send the signal to the one that is running."""
        self._stopping = True
        if self._process:
            self._process.send_signal(number)

    def _idle(self) -> Desk | None:
        """The newsletter if there is nothing to do; if that cannot be told, a tick will say why."""
        with self._checking:
            try:
                due, desk = self._outlook.is_due(), self._outlook.desk()
                self._follow(desk)
            except Exception:  # noqa: BLE001
                self._outlook.forget()
                return None
        return None if due else desk

    def _follow(self, desk: Desk) -> None:
        """Tick at the moments of the timetable, if it has changed."""
        self.status.name = desk.name
        timetable = Timetable(desk.config.schedule, desk.config.zone, self._outlook.moved)
        if timetable != self._timetable:
            self._timetable, job = timetable, f"tick {self.status.folder}"
            self._scheduler.add_job(self.tick, timetable, id=job, replace_existing=True)
            coming = islice(moves.upcoming_unsent(desk), 2)
            moments = (f"{m.kind} {m.issue} at {m.local:%a %Y-%m-%d %H:%M %Z}" for m in coming)
            with _log_turn, logs.context(newsletter=desk.name):
                log.info("Next: %s", ", ".join(moments))

    def _run(self, slot: ExitStack) -> PassResult | None:
        """The tick as a process; None if it is stopped before it has begun."""
        result, pipe = None, subprocess.PIPE
        try:  # in a group of its own: Ctrl-C on a terminal is for the service alone
            process = subprocess.Popen(self._command, stdout=pipe, text=True, process_group=0)  # noqa: S603
        except OSError as error:  # no memory or no process left just now
            return PassResult(f"No tick could be started: {error.strerror}.")
        self.status.passes += 1
        self.status.began_at = self.status.sign_at = time.monotonic()
        with process:
            self._process = process
            if self._stopping:
                process.terminate()
            for line in process.stdout or ():
                self.status.sign_at = time.monotonic()
                if line == SENDS:
                    slot.close()
                with suppress(ValueError, TypeError):
                    result = PassResult(**json.loads(line))
        self._process = self.status.began_at = None
        code = process.returncode
        if result or (self._stopping and code == -signal.SIGTERM):
            return result
        how = f"by signal {-code}" if code < 0 else f"with status {code}"
        why = ": it gave no sign of life for too long" if code == -signal.SIGALRM else ""
        return PassResult(f"The tick was ended {how}{why}.")

    def _record(self, result: PassResult) -> None:
        """Keep how a pass went; say in the log what is new about it."""
        status, last, self._last = self.status, self._last, result
        status.trouble, status.misconfigured = result.trouble, result.misconfigured
        with _log_turn, logs.context(newsletter=status.name or str(status.folder)):
            if result.trouble and result.trouble != last.trouble:
                log.error("%s", result.trouble)
            if not result.trouble:
                status.good_at = time.monotonic()
                if last.trouble:
                    log.info("Works again")
            if result.ping_failure and result.ping_failure != last.ping_failure:
                log.warning("%s", result.ping_failure)
