"""The process of ``newsletter run``: it starts one for each look, and hears of its end.

It holds neither configuration nor connections, and has one thread.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import selectors
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from typing import NoReturn, Protocol

from newsletter.app import logs
from newsletter.app.clock.timetable_pass import Look, look
from newsletter.app.service import systemd
from newsletter.app.service.health import STUCK, Watched
from newsletter.app.service.rhythm import Rhythm

log = logging.getLogger(__name__)

EVERY = 60.0  # seconds from look to look, at whole minutes
MOST = 8  # looks at once: a gather takes some 100 MB. Those that send do not count
_STOPPING = (signal.SIGTERM, signal.SIGINT)
_AT_WORK, _SENDS = b" ", b"\n"  # what a look says before the JSON of what came of it


class Listener(Protocol):
    """What else the process answers while it waits."""

    @property
    def port(self) -> int:
        """Where it listens, on this machine."""
        ...

    def attach(self, selector: selectors.BaseSelector) -> None:
        """Register sockets there, each with what is to be called when something comes."""
        ...

    def close(self) -> None:
        """Let go of the sockets."""
        ...


Health = Callable[[], tuple[bool, dict[str, object]]]


class Service:
    """Looks at the newsletters until SIGTERM or SIGINT; what is under way then comes to its end."""

    def __init__(
        self,
        watched: Sequence[Watched],
        listener: Listener | None = None,
        begin: Callable[[], None] = lambda: None,
        every: float = EVERY,
        stuck: float = STUCK,
        most: int = MOST,
    ) -> None:
        """``begin`` is called before the first look; what it imports all looks share."""
        self._watched = watched
        self._listener = listener
        self._begin = begin
        self._every = every
        self._stuck = stuck
        self._most = most
        self._queue = deque[Watched]()  # whose turn comes when another has ended
        self._stopping = False

    def run(self) -> None:
        """Until stopped. A second signal kills what is still under way."""
        with selectors.DefaultSelector() as selector:
            self._selector = selector
            if self._listener:
                self._listener.attach(selector)
            waking = self._hear()
            try:
                self._begin()
                gc.collect()
                gc.freeze()  # what is never looked at again is never copied for a look
                systemd.tell(systemd.READY)
                self._go_on()
            finally:
                signal.set_wakeup_fd(-1)
                for end in waking:
                    os.close(end)

    def _go_on(self) -> None:
        rhythm = Rhythm((partial(self._start, each) for each in self._watched), self._every)
        while not self._stopping or any(each.pid for each in self._watched):
            systemd.tell(systemd.ALIVE)
            wait = None if self._stopping else rhythm.due()
            for key, _ in self._selector.select(wait):
                key.data()

    def _hear(self) -> tuple[int, int]:
        """Let signals wake the loop by a pipe."""
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        self._selector.register(reading, selectors.EVENT_READ, lambda: self._stop(reading))
        for number in _STOPPING:
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        return reading, writing

    def _stop(self, reading: int) -> None:
        os.read(reading, 100)
        number = signal.SIGKILL if self._stopping else signal.SIGTERM
        if not self._stopping:
            systemd.tell(systemd.STOPPING)
            if any(each.pid for each in self._watched):
                log.info("Stopping: what is under way is answered first. Once more ends it at once")
        self._stopping = True
        for each in self._watched:
            if each.pid is not None:
                os.kill(each.pid, number)

    def _start(self, each: Watched) -> None:
        if each.pid is not None:  # it still looks
            self._end_if_stuck(each, each.pid)
            return
        if sum(other.pid is not None and not other.sends for other in self._watched) >= self._most:
            if each not in self._queue:
                self._queue.append(each)
            return
        reading, writing = os.pipe()
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPPING)  # until the child hears them itself
        try:
            each.pid, each.since = os.fork(), time.monotonic()
            each.heard, each.sends = each.since, False
            if each.pid == 0:
                self._become(each, writing)
        except OSError as error:  # the machine has no room just now; the next look may have
            os.close(reading)
            log.error("No look could be started: %s", error.strerror)  # noqa: TRY400
            return
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
            os.close(writing)
        each.looks += 1
        told = bytearray()

        def hear() -> None:
            if piece := os.read(reading, 65536):
                each.heard = time.monotonic()
                told.extend(piece)
                if _SENDS in piece:
                    each.sends = True
                    self._start_next()
                return
            self._selector.unregister(reading)
            os.close(reading)
            self._end(each, bytes(told).strip())
            self._start_next()

        self._selector.register(reading, selectors.EVENT_READ, hear)

    def _become(self, each: Watched, writing: int) -> NoReturn:
        """In the new process: one look, and its end."""
        try:
            signal.set_wakeup_fd(-1)
            stop = threading.Event()
            for number in _STOPPING:
                signal.signal(number, lambda *_: stop.set())
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPPING)
            if self._listener:
                self._listener.close()
            found = look(each.folder, stop, self._signs(writing), first=not each.looks)
            os.write(writing, json.dumps(asdict(found)).encode())
        except BaseException:
            log.exception("This look failed")
        finally:
            os._exit(0)

    def _signs(self, writing: int) -> Callable[[str], None]:
        """What tells the process that waits, not too often, that the look goes on."""
        last = time.monotonic()

        def alive(step: str) -> None:
            nonlocal last
            if step == "planned" or time.monotonic() - last > self._stuck / 100:
                last = time.monotonic()
                with suppress(OSError):  # where nobody waits any more, it still has its work
                    os.write(writing, _SENDS if step == "planned" else _AT_WORK)

        return alive

    def _start_next(self) -> None:
        """There may be room for one that waits."""
        if self._queue and not self._stopping:
            self._start(self._queue.popleft())

    def _end_if_stuck(self, each: Watched, pid: int) -> None:
        """Whatever it waits for, the moments to come must have their turn."""
        silent = time.monotonic() - each.heard
        if silent > self._stuck:
            with logs.context(newsletter=each.name or str(each.folder)):
                log.error(
                    "The look has given no sign for %d seconds, and is ended, so that another can "
                    "begin. The lines before say what it was at",
                    silent,
                )
            os.kill(pid, signal.SIGKILL)

    def _end(self, each: Watched, told: bytes) -> None:
        """The process that looked has ended; ``told`` is what it found, where it came to that."""
        _, status = os.waitpid(each.pid or 0, 0)
        each.pid = None
        if told:
            found = Look(**json.loads(told))
        else:
            code = os.waitstatus_to_exitcode(status)
            how = f"by signal {-code}" if code < 0 else f"with status {code}"
            found = Look(each.name, f"The look was ended {how}")
        each.name, each.broken = found.newsletter or each.name, found.broken
        before, each.trouble = each.trouble, found.trouble
        unheard, each.unheard = each.unheard, found.unheard
        with logs.context(newsletter=each.name or str(each.folder)):
            if each.trouble and each.trouble != before:
                log.error("%s", each.trouble)
            if not each.trouble:
                each.good_at = time.monotonic()
                if before:
                    log.info("Works again")
            if each.unheard and each.unheard != unheard:
                log.warning("%s", each.unheard)
