"""One request after another through the redirects, each looked at before it is made."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import TracebackType
from typing import TYPE_CHECKING

from newsletter import __version__
from newsletter.errors import FetchError
from newsletter.http.addresses import is_public, resolved
from newsletter.http.limits import MOST, Body, Deadline, time_limit

if TYPE_CHECKING:
    import ssl

    import httpx

SECONDS = 30.0
CONNECT_SECONDS = 10.0
REDIRECTS = 5

_REDIRECTING = frozenset({301, 302, 303, 307, 308})
_OWN_TO_A_HOST = frozenset({"authorization", "cookie"})


@dataclass(frozen=True)
class Fetched:
    """An answer. ``url`` is where it came from in the end; ``headers`` has lower-case names."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


class Door:
    """Fetches pages for the sources; one for the whole program, from any number of threads.

    ``allow_hosts``: each exactly ``host:port``, opened although its address is not public.
    ``seconds`` and ``most`` bytes limit one whole request, ``tls`` replaces the usual trust.
    """

    def __init__(
        self,
        allow_hosts: Sequence[str] = (),
        *,
        seconds: float = SECONDS,
        most: int = MOST,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._open = frozenset(host.strip().lower() for host in allow_hosts)
        self._seconds = seconds
        self._most = most
        self._tls = tls
        self._lock = threading.Lock()
        self._made: httpx.Client | None = None

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Fetched:
        """What is at ``url``: an answer of status 2xx, or 304 where the headers ask for it.

        Raises FetchError for everything else, with one sentence that names what happened.
        """
        wanted = {name.lower(): value for name, value in (headers or {}).items()}
        here, came = _parsed(url), list[str]()
        with time_limit(self._seconds) as deadline:
            while True:
                came.append(_shown(here))
                answer = self._one(here, wanted, deadline, came)
                if isinstance(answer, Fetched):
                    return answer
                _refuse_wandering(came, _shown(answer))
                if _origin(answer) != _origin(here):
                    wanted = {k: v for k, v in wanted.items() if k not in _OWN_TO_A_HOST}
                here = answer

    def close(self) -> None:
        """Let go of everything; the door opens again by itself when it is used."""
        with self._lock:
            made, self._made = self._made, None
        if made:
            made.close()

    def __enter__(self) -> Door:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _one(
        self, url: httpx.URL, wanted: Mapping[str, str], deadline: Deadline, came: Sequence[str]
    ) -> Fetched | httpx.URL:
        """One request: the answer, or where it redirects to."""
        import httpx

        addresses = self._addresses(url, deadline, came)
        try:
            response = self._sent(url, addresses, wanted, deadline)
            try:
                if response.status_code in _REDIRECTING:
                    return _target(url, response)
                _refuse_status(url, response, wanted)
                body = self._body(url, response, deadline)
            finally:
                response.close()
        except httpx.HTTPError as error:
            raise FetchError(_said(error, url, deadline)) from None
        return Fetched(_shown(url), response.status_code, dict(response.headers), body)

    def _addresses(self, url: httpx.URL, deadline: Deadline, came: Sequence[str]) -> list[str]:
        """The host's addresses, looked up once, every one of them allowed."""
        first = len(came) == 1
        what = came[0] if first else f"{came[0]} redirects to {came[-1]}, which"
        if url.scheme not in ("http", "https") or not url.host:
            raise FetchError(
                f"{what} is not an http or https address; look for the source's web address."
            )
        host, port = url.raw_host.decode("ascii"), _port(url)
        addresses = resolved(host, port, _shown(url), deadline)
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        inside = [address for address in addresses if not is_public(address)]
        if inside and place.lower() not in self._open:
            own = f'if it is your own, add "{place}" to allow_hosts under [gather]'
            raise FetchError(
                f"{what} has the address {inside[0]}, which is not on the public internet; "
                f"{own if first else 'ask the publisher where that comes from'}."
            )
        return addresses

    def _sent(
        self, url: httpx.URL, addresses: Sequence[str], wanted: Mapping[str, str], until: Deadline
    ) -> httpx.Response:
        """The head of the answer, from the first of the addresses that can be reached."""
        import httpx

        client = self._client()
        headers = {
            "user-agent": f"NewsletterDesk/{__version__}",
            "accept": "*/*",
            **wanted,
            "accept-encoding": "gzip",
            "host": url.netloc.decode("ascii"),
        }
        for address in addresses:
            left = until.left(_shown(url))
            request = client.build_request(
                "GET",
                url.copy_with(host=address, fragment=None),
                headers=headers,
                timeout=httpx.Timeout(left, connect=min(left, CONNECT_SECONDS)),
                extensions={"sni_hostname": url.raw_host.decode("ascii"), "trace": until.trace},
            )
            try:
                return client.send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if address == addresses[-1]:
                    raise
        raise AssertionError("a host that is found has an address")

    def _body(self, url: httpx.URL, response: httpx.Response, deadline: Deadline) -> bytes:
        coding = response.headers.get("content-encoding", "").strip().lower()
        if coding not in ("", "identity", "gzip", "x-gzip"):
            raise FetchError(
                f"{_shown(url)} is packed as {coding[:40]!r}, which was not asked for; "
                f"tell the publisher."
            )
        body = Body(_shown(url), self._most, packed=coding.endswith("gzip"))
        body.announced(response.headers.get("content-length", ""))
        for data in response.iter_raw():
            body.add(data)
            deadline.left(_shown(url))
        return body.whole()

    def _client(self) -> httpx.Client:
        import httpx

        with self._lock:
            if self._made is None:
                # Requests go to bare addresses: neither a connection nor a cookie may be used
                # for another host that happens to live at the same one.
                self._made = httpx.Client(
                    trust_env=False,
                    verify=self._tls or True,
                    limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
                    cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                )
            return self._made


def _parsed(url: str) -> httpx.URL:
    import httpx

    try:
        return httpx.URL(url.strip())
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchError(
            f"{url!r} is not a web address: {error}; mend it in newsletter.toml."
        ) from None


def _target(url: httpx.URL, response: httpx.Response) -> httpx.URL:
    import httpx

    place = response.headers.get("location", "")
    try:
        if place:
            return url.join(place)
    except (httpx.InvalidURL, ValueError):
        pass
    raise FetchError(
        f"{_shown(url)} redirects (status {response.status_code}) to {place[:200]!r}, "
        f"which is no address; look for the right one."
    )


def _refuse_wandering(came: Sequence[str], target: str) -> None:
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


def _refuse_status(url: httpx.URL, response: httpx.Response, wanted: Mapping[str, str]) -> None:
    asked = "if-none-match" in wanted or "if-modified-since" in wanted
    if response.is_success or (response.status_code == 304 and asked):
        return
    reason = f" ({response.reason_phrase})" if response.reason_phrase else ""
    raise FetchError(
        f"{_shown(url)} answered with status {response.status_code}{reason}; "
        f"see whether it opens in a browser, and mend the address or try again later."
    )


def _said(error: Exception, url: httpx.URL, deadline: Deadline) -> str:
    if deadline.over():
        return deadline.words(_shown(url))
    reason = str(error).partition(" (_ssl.c")[0] or type(error).__name__
    return f"{_shown(url)} cannot be reached: {reason}; see whether it opens in a browser."


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, _port(url)


def _port(url: httpx.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _shown(url: httpx.URL) -> str:
    """The address without a name and password in it."""
    return str(url.copy_with(userinfo=b"", fragment=None))
