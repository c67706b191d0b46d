"""A transport for the ``sendgrid`` package, which posts over httpx.

The package's own transport has no timeout, opens a connection for every request, sends the API
key along when it follows a redirect to another host, and writes the key to its debug log.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from functools import partial
from typing import Any

import httpx
from python_http_client.client import Client, Response
from python_http_client.exceptions import HTTPError, err_dict
from sendgrid import SendGridAPIClient

from newsletter.http.certificates import ssl_context

TIMEOUT = 30.0  # seconds without a byte of the answer
# UnicodeError stands for a host name that cannot be looked up.
_NOTHING_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.InvalidURL,
    UnicodeError,
)


class NothingSent(Exception):  # noqa: N818 - a result, not an error
    """There was no connection, so SendGrid has no byte of the request."""

    def __init__(self, message: str, *, untrusted: bool = False) -> None:
        super().__init__(message)
        self.untrusted = untrusted  # the server's certificate is not trusted


class InDoubt(Exception):  # noqa: N818 - a result, not an error
    """The connection broke before the whole answer arrived, so SendGrid may have the request."""


class PooledClient(Client):  # type: ignore[misc] # the package has no types
    """python_http_client's Client, over one httpx pool of connections."""

    def __init__(self, http: httpx.Client, host: str, headers: Mapping[str, str], path: Any = ()):
        super().__init__(host, request_headers=dict(headers), version=3, url_path=list(path))
        self._http = http

    def _build_client(self, name: str | None = None) -> PooledClient:
        path = [*self._url_path, name] if name else self._url_path
        return PooledClient(self._http, self.host, self.request_headers, path)

    def __getattr__(self, name: str) -> Any:
        if name in self.methods:
            return partial(self._request, name.upper())
        return super().__getattr__(name)

    def _request(
        self,
        method: str,
        request_body: Any = None,
        query_params: Mapping[str, Any] | None = None,
        request_headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: Any,
    ) -> Response:
        """Send one request. ``bytes`` are sent as they are, anything else as JSON.

        Raises NothingSent, InDoubt, or HTTPError for a status other than 2xx.
        """
        headers = {"Content-Type": "application/json", **self.request_headers}
        headers |= request_headers or {}
        if request_body is not None and not isinstance(request_body, bytes):
            request_body = json.dumps(request_body).encode()
        url = self._build_url(query_params)
        try:
            answer = self._http.request(
                method, url, content=request_body, headers=headers, timeout=timeout or TIMEOUT
            )
        except _NOTHING_SENT as error:
            raise NothingSent(_error_text(error), untrusted=_untrusted(error)) from error
        except httpx.HTTPError as error:
            raise InDoubt(_error_text(error)) from error
        if not answer.is_success:
            error_type = err_dict.get(answer.status_code, HTTPError)
            raise error_type(
                answer.status_code, answer.reason_phrase, answer.content, answer.headers
            )
        return Response(_Response(answer))


class _Response:
    """An httpx response with the methods that python_http_client calls."""

    def __init__(self, answer: httpx.Response) -> None:
        self.getcode = lambda: answer.status_code
        self.read = lambda: answer.content
        self.info = lambda: answer.headers


def connect(base_url: str, key: str) -> tuple[SendGridAPIClient, httpx.Client]:
    """SendGrid's API client on this transport, and the httpx client, which the caller closes."""
    http = httpx.Client(follow_redirects=False, trust_env=False, verify=ssl_context())
    api = SendGridAPIClient(key, host=base_url)
    api.client = PooledClient(http, base_url, api.client.request_headers)
    return api, http


def _untrusted(error: BaseException | None) -> bool:
    while error and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error is not None


def _error_text(error: Exception) -> str:
    return str(error).partition(" (_ssl.c")[0] or type(error).__name__
