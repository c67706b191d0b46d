"""The thread of ``serve`` that mails those who signed up, a moment after the page has answered."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Sequence

from newsletter.app import Desk
from newsletter.app.readers import sign_up
from newsletter.errors import NewsletterError

INTERVAL = 15.0  # seconds between passes over what other processes left, or what is retried
# Seconds from a sign-up to its mail. The delay hides the work that only some addresses cause.
MIN_DELAY, MAX_DELAY = 0.3, 1.2

log = logging.getLogger(__name__)


class SignUpWorker:
    """Answers waiting sign-ups when woken, and at every interval."""

    def __init__(self, newsletters: Sequence[Callable[[], Desk]]) -> None:
        self._newsletters = newsletters
        self._wake, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="sign-ups", daemon=True)

    def wake(self) -> None:
        """Announce a new sign-up."""
        self._wake.set()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the mail that is being sent, and end."""
        self._stop.set()
        self._wake.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            for current in self._newsletters:
                self._answer(current)
            if self._wake.wait(INTERVAL):
                self._stop.wait(random.uniform(MIN_DELAY, MAX_DELAY))  # noqa: S311 - no secret

    def _answer(self, current: Callable[[], Desk]) -> None:
        try:
            sign_up.answer_all(current())
        except NewsletterError as error:
            log.error("Sign-ups wait for their mail: %s", error)  # noqa: TRY400
        except Exception:
            log.exception("Sign-ups wait for their mail")
