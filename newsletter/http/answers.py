"""What comes back through the door, and what must not."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Protocol

from newsletter.errors import FetchError
from newsletter.http.cache import LONGEST_WAIT
from newsletter.http.limits import Deadline
from newsletter.http.spool import Spool

if TYPE_CHECKING:
    import httpx

REDIRECTS = 5

_BUSY = frozenset({429, 503})


class Fetched:
    """An answer. ``url`` is where it came from in the end; ``headers`` has lower-case names.

    ``unchanged``: the body is what the same address gave the last time.
    """

    def __init__(
        self,
        url: str,
        status: int,
        headers: Mapping[str, str],
        body: bytes | Spool,
        unchanged: bool = False,
    ) -> None:
        self.url = url
        self.status = status
        self.headers = headers
        self.unchanged = unchanged
        self._body = body

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fetched) and self._facts() == other._facts()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Fetched({self.url!r}, {self.status}, unchanged={self.unchanged})"

    def _facts(self) -> tuple[object, ...]:
        return self.url, self.status, dict(self.headers), self.body, self.unchanged

    @property
    def body(self) -> bytes:
        """The whole body; a big one is read from its temporary file each time."""
        return self._body if isinstance(self._body, bytes) else self._body.read()


class Getter(Protocol):
    """Whatever fetches: the door itself, or one visitor at it."""

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Fetched:
        """What is at ``url``; raises FetchError."""
        ...


class Visit:
    """One source's look through the door; it remembers whether there was anything new."""

    def __init__(self, door: Getter) -> None:
        self._door = door
        self.asked = 0
        self._new = 0

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Fetched:
        """What is at ``url``; raises FetchError."""
        answer = self._door.get(url, headers)
        self.asked += 1
        self._new += not answer.unchanged
        return answer

    @property
    def unchanged(self) -> bool:
        """Whether there were answers, and each was what it had been before."""
        return self.asked > 0 and self._new == 0


def refuse_wandering(came: Sequence[str], target: str) -> None:
    """Raise FetchError where redirects lead back, or on and on."""
    if target in came:
        raise FetchError(
            f"{came[0]} redirects in a circle, back to {target}; "
            f"look for the right address and put it into newsletter.toml."
        )
    if len(came) > REDIRECTS:
        raise FetchError(
            f"{came[0]} redirects more than {REDIRECTS} times, at last to {target}; "
            f"put the final address into newsletter.toml."
        )


def refuse_status(url: str, response: httpx.Response, wait: Callable[[float], None]) -> None:
    """Raise FetchError for a status that brings nothing.

    ``wait`` gets the moment (seconds since 1970) until which a busy server asks to be left alone.
    """
    status = response.status_code
    if response.is_success or status == 304:
        return
    reason = f" ({response.reason_phrase})" if response.reason_phrase else ""
    until = _retry_after(response.headers.get("retry-after", "")) if status in _BUSY else None
    if until:
        wait(until)
        raise FetchError(
            f"{url} answered with status {status}{reason} and asks to be left alone until "
            f"{moment(until)}; it is asked again after that.",
            status,
        )
    raise FetchError(
        f"{url} answered with status {status}{reason}; "
        f"see whether it opens in a browser, and mend the address or try again later.",
        status,
    )


def refuse_early(url: str, until: float) -> None:
    """Raise FetchError where the server has asked to be left alone for longer."""
    if until > time.time():
        raise FetchError(
            f"{url} was not asked: its server is busy and wants to be left alone "
            f"until {moment(until)}; gather again after that.",
            429,
        )


def moment(seconds: float) -> str:
    """A moment for people."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def said(error: Exception, url: str, deadline: Deadline) -> str:
    """What to say of a connection that failed."""
    if deadline.over():
        return deadline.words(url)
    reason = str(error).partition(" (_ssl.c")[0] or type(error).__name__
    return f"{url} cannot be reached: {reason}; see whether it opens in a browser."


def _retry_after(said: str) -> float | None:
    """The moment that a Retry-After names, as seconds or as a date; at most a week away."""
    now = time.time()
    until = None
    if said.strip().isdecimal():
        until = now + min(int(said.strip()[:9]), LONGEST_WAIT)
    else:
        with suppress(ValueError, TypeError, OverflowError):
            until = parsedate_to_datetime(said).timestamp()
    return min(until, now + LONGEST_WAIT) if until and until > now else None
