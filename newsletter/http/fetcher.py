"""Fetch pages: follow redirects, and check every address before it is requested."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from newsletter import __version__
from newsletter.errors import ConfigError, FetchError
from newsletter.http import responses, urls
from newsletter.http.addresses import is_public, resolve
from newsletter.http.cache import CacheEntry, ResponseCache
from newsletter.http.certificates import ssl_context
from newsletter.http.concurrency import ConcurrencyLimit
from newsletter.http.limits import MAX_BYTES, Body, Deadline, time_limit
from newsletter.http.responses import Response, TrackedFetcher

if TYPE_CHECKING:
    import ssl

    import httpx

TIMEOUT = 15.0  # seconds for one request with its redirects
CONNECT_TIMEOUT = 10.0  # seconds for one connection

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CREDENTIALS = frozenset({"authorization", "cookie"})
_CONDITIONS = frozenset({"if-none-match", "if-modified-since"})


class Fetcher:
    """Fetches pages from any number of threads. One serves a whole gather.

    allow_hosts: each exactly ``host:port``; open although its address is not public.
    cache: the folder of the response cache; None for no cache.
    agent: the newsletter's address, which the User-Agent header shows to publishers.
    timeout: seconds for one request with its redirects.
    max_bytes: the largest body, after decompression.
    tls: replaces the usual certificate authorities.
    """

    def __init__(
        self,
        allow_hosts: Sequence[str] = (),
        *,
        cache: Path | None = None,
        agent: str | None = None,
        timeout: float = TIMEOUT,
        max_bytes: int = MAX_BYTES,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allow_hosts = frozenset(host.strip().lower() for host in allow_hosts)
        self._cache = ResponseCache(cache)
        self._user_agent = _user_agent(agent)
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._tls = tls
        self._limit = ConcurrencyLimit()
        self._lock = threading.Lock()
        self._http: httpx.Client | None = None

    def tracked(self) -> TrackedFetcher:
        """This fetcher for one source, recording whether any response was new."""
        return TrackedFetcher(self)

    def get(
        self, url: str, headers: Mapping[str, str] | None = None, *, share: float = 1.0
    ) -> Response:
        """Fetch ``url``; the status is 2xx, or 304 if ``headers`` make the request conditional.

        ``share`` is the part of the timeout that this request may use. Time spent waiting for
        other requests does not count. Raises FetchError, in one sentence, for everything else.
        """
        return self._follow(url, headers or {}, "GET", share)

    def head(self, url: str, *, share: float = 1.0) -> Response:
        """Fetch the status and headers of ``url``. Raises FetchError like ``get``."""
        return self._follow(url, {}, "HEAD", share)

    def close(self) -> None:
        """Close all connections. The next request opens new ones."""
        with self._lock:
            client, self._http = self._http, None
        if client:
            client.close()

    def __enter__(self) -> Fetcher:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _follow(
        self, address: str, headers: Mapping[str, str], method: str, share: float
    ) -> Response:
        headers = {name.lower(): value for name, value in headers.items()}
        url, visited = urls.parse(address), list[str]()
        with self._limit.slot() as slot, ExitStack() as stack:
            slot.acquire(urls.host_port(url), None)
            deadline = stack.enter_context(time_limit(self._timeout * share))
            while True:
                visited.append(urls.without_credentials(url))
                result = self._request(method, url, headers, deadline, visited)
                if isinstance(result, Response):
                    return result
                responses.check_redirect(visited, urls.without_credentials(result))
                if urls.origin(result) != urls.origin(url):
                    headers = {k: v for k, v in headers.items() if k not in _CREDENTIALS}
                url = result
                if not slot.acquire(urls.host_port(url), deadline.left(visited[0])):
                    raise FetchError(deadline.message(visited[0]))

    def _request(
        self,
        method: str,
        url: httpx.URL,
        headers: Mapping[str, str],
        deadline: Deadline,
        visited: Sequence[str],
    ) -> Response | httpx.URL:
        """One request: the response, or the target of a redirect."""
        import httpx

        name, host = urls.without_credentials(url), urls.host_port(url)
        addresses = self._addresses(url, deadline, visited)
        responses.check_postponed(name, self._cache.retry_time(host))
        uncached = method == "HEAD" or bool(_CONDITIONS & headers.keys())
        entry = None if uncached else self._cache.find(name)
        conditions = entry.conditions() if entry else {}
        try:
            response = self._send(method, url, addresses, {**headers, **conditions}, deadline)
            try:
                status = response.status_code
                if status in _REDIRECTS:
                    return urls.redirect_target(url, response)
                if status == 304 and entry and conditions:
                    return self._cached(name, entry)
                responses.check_status(
                    name, response, lambda until: self._cache.store_retry_time(host, until)
                )
                if status == 304 and not uncached:
                    raise FetchError(
                        f"{name} answered with status 304 to a request without conditions; "
                        f"tell the publisher.",
                        304,
                    )
                body = self._body(name, response, deadline, empty=method == "HEAD")
            finally:
                response.close()
        except httpx.HTTPError as error:
            raise responses.connection_error(error, name, deadline) from None
        response_headers, content = dict(response.headers), body.finish()
        if not uncached:
            self._cache.store(name, response_headers, content)
        unchanged = status == 304 or bool(entry and entry.digest == content.digest)
        return Response(name, status, response_headers, content, unchanged)

    def _cached(self, url: str, entry: CacheEntry) -> Response:
        """The stored response, after the server confirmed it with status 304."""
        try:
            body = entry.body(self._max_bytes)
        except (OSError, EOFError):
            entry.path.unlink(missing_ok=True)
            raise FetchError(
                f"The stored copy of {url} was damaged and has been deleted; gather again."
            ) from None
        return Response(url, 200, entry.headers, body, unchanged=True)

    def _addresses(self, url: httpx.URL, deadline: Deadline, visited: Sequence[str]) -> list[str]:
        """The host's IP addresses, looked up once. Raises FetchError unless all are allowed."""
        redirected = len(visited) > 1
        subject = f"{visited[0]} redirects to {visited[-1]}, which" if redirected else visited[0]
        if url.scheme not in ("http", "https") or not url.host:
            raise FetchError(
                f"{subject} is not an http or https address; find the source's web address."
            )
        host, name = url.raw_host.decode("ascii"), urls.without_credentials(url)
        addresses = resolve(host, urls.port(url), name, deadline)
        private = [address for address in addresses if not is_public(address)]
        if private and urls.host_port(url) not in self._allow_hosts:
            remedy = (
                "ask the publisher about that redirect"
                if redirected
                else f'if it is yours, add "{urls.host_port(url)}" to allow_hosts under [gather]'
            )
            raise FetchError(
                f"{subject} has the address {private[0]}, which is not on the public internet; "
                f"{remedy}."
            )
        return addresses

    def _send(
        self,
        method: str,
        url: httpx.URL,
        addresses: Sequence[str],
        headers: Mapping[str, str],
        deadline: Deadline,
    ) -> httpx.Response:
        """The head of the response from the first IP address that can be reached."""
        import httpx

        client = self._client()
        for address in addresses:
            seconds = deadline.left(urls.without_credentials(url))
            request = client.build_request(
                method,
                url.copy_with(host=address, fragment=None),
                headers={
                    "user-agent": self._user_agent,
                    "accept": "*/*",
                    **headers,
                    "accept-encoding": "gzip",
                    "host": url.netloc.decode("ascii"),
                },
                timeout=httpx.Timeout(seconds, connect=min(seconds, CONNECT_TIMEOUT)),
                extensions={"sni_hostname": url.raw_host.decode("ascii"), "trace": deadline.trace},
            )
            try:
                return client.send(request, stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                if address == addresses[-1]:
                    raise
        raise AssertionError("resolve returns at least one address")

    def _body(
        self, name: str, response: httpx.Response, deadline: Deadline, *, empty: bool
    ) -> Body:
        if empty:
            return Body(name, self._max_bytes, compressed=False)
        encoding = response.headers.get("content-encoding", "").strip().lower()
        if encoding not in ("", "identity", "gzip", "x-gzip"):
            raise FetchError(
                f"{name} is compressed as {encoding[:40]!r}, although the request accepts only "
                f"gzip; tell the publisher."
            )
        body = Body(name, self._max_bytes, compressed=encoding.endswith("gzip"))
        body.expect(response.headers.get("content-length", ""))
        for chunk in response.iter_raw():
            body.add(chunk)
            deadline.left(name)  # raises when the time is up
        return body

    def _client(self) -> httpx.Client:
        import httpx

        with self._lock:
            if self._http is None:
                try:
                    context = self._tls or ssl_context()
                except ConfigError as error:
                    raise FetchError(str(error)) from None
                # Requests go to IP addresses, and several hosts may share one: no connection
                # and no cookie may be used again.
                self._http = httpx.Client(
                    trust_env=False,
                    verify=context,
                    limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
                    cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                )
            return self._http


def _user_agent(agent: str | None) -> str:
    """The program's name and, if a header can hold it, the newsletter's address."""
    valid = re.fullmatch(r"[\x21-\x7e]{1,200}", agent or "")
    return f"NewsletterDesk/{__version__}" + (f" (+{agent})" if valid else "")
