"""One request after another through the redirects, each looked at before it is made."""

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
from newsletter.http import answers, urls
from newsletter.http.addresses import is_public, resolved
from newsletter.http.answers import Fetched, Visit
from newsletter.http.cache import Cache, Entry
from newsletter.http.limits import MOST, Body, Deadline, time_limit
from newsletter.http.places import Places
from newsletter.http.trust import trusted

if TYPE_CHECKING:
    import ssl

    import httpx

SECONDS = 15.0
CONNECT_SECONDS = 10.0

_REDIRECTING = frozenset({301, 302, 303, 307, 308})
_OWN_TO_A_HOST = frozenset({"authorization", "cookie"})
_CONDITIONS = frozenset({"if-none-match", "if-modified-since"})


class Door:
    """Fetches pages for the sources; one for a whole gather, from any number of threads.

    ``allow_hosts``: each exactly ``host:port``, opened although its address is not public.
    ``cache``: a folder for what was seen before. ``agent``: who asks, for the publishers' logs.
    ``seconds`` and ``most`` bytes limit one whole request, ``tls`` replaces the usual trust.
    """

    def __init__(
        self,
        allow_hosts: Sequence[str] = (),
        *,
        cache: Path | None = None,
        agent: str | None = None,
        seconds: float = SECONDS,
        most: int = MOST,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._open = frozenset(host.strip().lower() for host in allow_hosts)
        self._cache = Cache(cache)
        self._agent = _agent(agent)
        self._seconds = seconds
        self._most = most
        self._tls = tls
        self._places = Places()
        self._lock = threading.Lock()
        self._made: httpx.Client | None = None

    def visit(self) -> Visit:
        """A way through the door that remembers whether there was anything new."""
        return Visit(self)

    def get(
        self, url: str, headers: Mapping[str, str] | None = None, *, share: float = 1.0
    ) -> Fetched:
        """What is at ``url``: an answer of status 2xx, or 304 where the headers ask for it.

        Raises FetchError for everything else, with one sentence that names what happened. The
        time that it waits for a place among the other requests does not count. ``share``: of the
        time that a request may take.
        """
        return self._through(url, headers or {}, "GET", share)

    def head(self, url: str, *, share: float = 1.0) -> Fetched:
        """Whether something is at ``url``: its status and headers alone. Raises as ``get``."""
        return self._through(url, {}, "HEAD", share)

    def _through(self, url: str, headers: Mapping[str, str], method: str, share: float) -> Fetched:
        wanted = {name.lower(): value for name, value in headers.items()}
        here, came = urls.parsed(url), list[str]()
        with self._places.waiting() as places, ExitStack() as stack:
            places.take(urls.place(here), None)
            deadline = stack.enter_context(time_limit(self._seconds * share))
            while True:
                came.append(urls.shown(here))
                answer = self._one(method, here, wanted, deadline, came)
                if isinstance(answer, Fetched):
                    return answer
                answers.refuse_wandering(came, urls.shown(answer))
                if urls.origin(answer) != urls.origin(here):
                    wanted = {k: v for k, v in wanted.items() if k not in _OWN_TO_A_HOST}
                here = answer
                if not places.take(urls.place(here), deadline.left(came[0])):
                    raise FetchError(deadline.words(came[0]))

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
        self,
        method: str,
        url: httpx.URL,
        wanted: Mapping[str, str],
        deadline: Deadline,
        came: Sequence[str],
    ) -> Fetched | httpx.URL:
        """One request: the answer, or where it redirects to."""
        import httpx

        shown, origin = urls.shown(url), urls.place(url)
        addresses = self._addresses(url, deadline, came)
        answers.refuse_early(shown, self._cache.wait_until(origin))
        own = method == "HEAD" or bool(_CONDITIONS & wanted.keys())
        entry = None if own else self._cache.find(shown)
        conditions = entry.conditions() if entry else {}
        try:
            response = self._sent(method, url, addresses, {**wanted, **conditions}, deadline)
            try:
                status = response.status_code
                if status in _REDIRECTING:
                    return urls.target(url, response)
                if status == 304 and entry and conditions:
                    return self._stored(shown, entry)
                answers.refuse_status(
                    shown, response, lambda until: self._cache.wait(origin, until)
                )
                if status == 304 and not own:
                    raise FetchError(
                        f"{shown} answered with status 304, which was not asked for; "
                        f"tell the publisher.",
                        304,
                    )
                body = self._body(url, response, deadline, empty=method == "HEAD")
            finally:
                response.close()
        except httpx.HTTPError as error:
            raise FetchError(answers.said(error, shown, deadline)) from None
        headers = dict(response.headers)
        whole = body.whole()
        if not own:
            self._cache.remember(shown, headers, whole)
        unchanged = status == 304 or bool(entry and entry.digest == whole.digest)
        return Fetched(shown, status, headers, whole, unchanged)

    def _stored(self, url: str, entry: Entry) -> Fetched:
        """What is remembered, now that the server says that it still holds."""
        try:
            return Fetched(url, 200, entry.headers, entry.body(self._most), unchanged=True)
        except (OSError, EOFError):
            entry.path.unlink(missing_ok=True)
            raise FetchError(
                f"What {url} had the last time is damaged on disk and was thrown away; "
                f"gather again."
            ) from None

    def _addresses(self, url: httpx.URL, deadline: Deadline, came: Sequence[str]) -> list[str]:
        """The host's addresses, looked up once, every one of them allowed."""
        first = len(came) == 1
        what = came[0] if first else f"{came[0]} redirects to {came[-1]}, which"
        if url.scheme not in ("http", "https") or not url.host:
            raise FetchError(
                f"{what} is not an http or https address; look for the source's web address."
            )
        host, port = url.raw_host.decode("ascii"), urls.port(url)
        addresses = resolved(host, port, urls.shown(url), deadline)
        place = urls.place(url)
        inside = [address for address in addresses if not is_public(address)]
        if inside and place not in self._open:
            own = f'if it is your own, add "{place}" to allow_hosts under [gather]'
            raise FetchError(
                f"{what} has the address {inside[0]}, which is not on the public internet; "
                f"{own if first else 'ask the publisher where that comes from'}."
            )
        return addresses

    def _sent(
        self,
        method: str,
        url: httpx.URL,
        addresses: Sequence[str],
        wanted: Mapping[str, str],
        until: Deadline,
    ) -> httpx.Response:
        """The head of the answer, from the first of the addresses that can be reached."""
        import httpx

        client = self._client()
        headers = {
            "user-agent": self._agent,
            "accept": "*/*",
            **wanted,
            "accept-encoding": "gzip",
            "host": url.netloc.decode("ascii"),
        }
        for address in addresses:
            left = until.left(urls.shown(url))
            request = client.build_request(
                method,
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

    def _body(
        self, url: httpx.URL, response: httpx.Response, deadline: Deadline, *, empty: bool
    ) -> Body:
        if empty:
            return Body(urls.shown(url), self._most, packed=False)
        coding = response.headers.get("content-encoding", "").strip().lower()
        if coding not in ("", "identity", "gzip", "x-gzip"):
            raise FetchError(
                f"{urls.shown(url)} is packed as {coding[:40]!r}, which was not asked for; "
                f"tell the publisher."
            )
        body = Body(urls.shown(url), self._most, packed=coding.endswith("gzip"))
        body.announced(response.headers.get("content-length", ""))
        for data in response.iter_raw():
            body.add(data)
            deadline.left(urls.shown(url))
        return body

    def _client(self) -> httpx.Client:
        import httpx

        with self._lock:
            if self._made is None:
                try:
                    trust = self._tls or trusted()
                except ConfigError as error:
                    raise FetchError(str(error)) from None
                # Requests go to bare addresses: neither a connection nor a cookie may be used
                # for another host that happens to live at the same one.
                self._made = httpx.Client(
                    trust_env=False,
                    verify=trust,
                    limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
                    cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
                )
            return self._made


def _agent(who: str | None) -> str:
    """The honest name of the program and, where it fits into a header, of the newsletter."""
    plain = re.fullmatch(r"[\x21-\x7e]{1,200}", who or "")
    return f"NewsletterDesk/{__version__}" + (f" (+{who})" if plain else "")
