"""Responses, and the errors for responses that cannot be used."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Protocol

from newsletter.errors import FetchError
from newsletter.http.cache import MAX_WAIT
from newsletter.http.limits import Deadline
from newsletter.http.spooled_file import SpooledFile

if TYPE_CHECKING:
    import httpx

MAX_REDIRECTS = 5

_BUSY = frozenset({429, 503})


class Response:
    """A response whose body has been read."""

    def __init__(
        self,
        url: str,
        status: int,
        headers: Mapping[str, str],
        body: bytes | SpooledFile,
        unchanged: bool = False,
    ) -> None:
        self.url = url  # after redirects
        self.status = status
        self.headers = headers  # names in lower case
        self.unchanged = unchanged  # the body equals the one this address gave last time
        self._body = body

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Response) and self._fields() == other._fields()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Response({self.url!r}, {self.status}, unchanged={self.unchanged})"

    def _fields(self) -> tuple[object, ...]:
        return self.url, self.status, dict(self.headers), self.body, self.unchanged

    @property
    def body(self) -> bytes:
        """The decompressed body; a large one is read from its temporary file each time."""
        return self._body if isinstance(self._body, bytes) else self._body.read()


class SupportsGet(Protocol):
    """What a source needs of a fetcher."""

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Response:
        """Fetch ``url``. Raises FetchError."""
        ...


class TrackedFetcher:
    """A fetcher for one source that records whether any response was new."""

    def __init__(self, fetcher: SupportsGet) -> None:
        self._fetcher = fetcher
        self._responses = 0
        self._changed = 0

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Response:
        """Fetch ``url``. Raises FetchError."""
        response = self._fetcher.get(url, headers)
        self._responses += 1
        self._changed += not response.unchanged
        return response

    @property
    def unchanged(self) -> bool:
        """Whether there were responses, and all of them were the same as last time."""
        return self._responses > 0 and self._changed == 0


def check_redirect(urls: Sequence[str], target: str) -> None:
    """Raise FetchError when redirects lead in a circle or there are too many of them.

    ``urls``: the addresses requested so far, in order.
    """
    if target in urls:
        raise FetchError(
            f"{urls[0]} redirects in a circle, back to {target}; "
            f"find the right address and put it into newsletter.toml."
        )
    if len(urls) > MAX_REDIRECTS:
        raise FetchError(
            f"{urls[0]} redirects more than {MAX_REDIRECTS} times, most recently to {target}; "
            f"put the final address into newsletter.toml."
        )


def check_status(url: str, response: httpx.Response, postpone: Callable[[float], None]) -> None:
    """Raise FetchError for every status but 2xx and 304.

    When a busy server sends Retry-After, ``postpone`` receives that time in seconds since 1970.
    """
    status = response.status_code
    if response.is_success or status == 304:
        return
    phrase = f" ({response.reason_phrase})" if response.reason_phrase else ""
    until = _retry_after(response.headers.get("retry-after", "")) if status in _BUSY else None
    if until:
        postpone(until)
        raise FetchError(
            f"{url} answered with status {status}{phrase} and asked for no more requests until "
            f"{_format_time(until)}; gather again after that.",
            status,
        )
    raise FetchError(
        f"{url} answered with status {status}{phrase}; "
        f"see whether it opens in a browser, then correct the address or try again later.",
        status,
    )


def check_postponed(url: str, until: float) -> None:
    """Raise FetchError when the server asked for no requests until a time still to come."""
    if until > time.time():
        raise FetchError(
            f"{url} was not requested: its server is busy and asked for no more requests until "
            f"{_format_time(until)}; gather again after that.",
            429,
        )


def connection_error(error: Exception, url: str, deadline: Deadline) -> FetchError:
    """The error for a connection that failed."""
    if deadline.expired():
        return FetchError(deadline.message(url))
    reason = str(error).partition(" (_ssl.c")[0] or type(error).__name__
    return FetchError(f"{url} cannot be reached: {reason}; see whether it opens in a browser.")


def _format_time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _retry_after(header: str) -> float | None:
    """The time of a Retry-After, in seconds since 1970, at most a week ahead; None if past."""
    now = time.time()
    until = None
    if header.strip().isdecimal():
        until = now + min(int(header.strip()[:9]), MAX_WAIT)
    else:
        with suppress(ValueError, TypeError, OverflowError):
            until = parsedate_to_datetime(header).timestamp()
    return min(until, now + MAX_WAIT) if until and until > now else None
