"""Beside the answers: mails to those who have signed up, a moment after they have."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Sequence

from newsletter.app import Desk
from newsletter.app.readers import sign_up
from newsletter.errors import NewsletterError

EVERY = 15.0  # seconds between two looks at what others have left, or what is tried again
# Seconds from a sign-up to its mail: the work for some addresses must not slow their own answer.
SOONEST, LATEST = 0.3, 1.2

log = logging.getLogger(__name__)


class Answering:
    """A thread that looks when it is woken, and now and then."""

    def __init__(self, newsletters: Sequence[Callable[[], Desk]]) -> None:
        self._newsletters = newsletters
        self._woken, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="answering", daemon=True)

    def wake(self) -> None:
        """Something waits to be answered."""
        self._woken.set()

    def start(self) -> None:
        """Look, until ``stop``."""
        self._thread.start()

    def stop(self) -> None:
        """Let the mail that is under way go out, and end."""
        self._over.set()
        self._woken.set()
        self._thread.join(10)

    def _work(self) -> None:
        while not self._over.is_set():
            self._woken.clear()
            for current in self._newsletters:
                self._look(current)
            if self._woken.wait(EVERY):
                self._over.wait(random.uniform(SOONEST, LATEST))  # noqa: S311 - no secret

    def _look(self, current: Callable[[], Desk]) -> None:
        try:
            sign_up.answer_all(current())
        except NewsletterError as error:
            log.error("Who has signed up waits for a mail: %s", error)  # noqa: TRY400
        except Exception:
            log.exception("Who has signed up waits for a mail")
