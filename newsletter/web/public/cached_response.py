"""A response that is made once and sent many times, plain or gzipped, with an ETag for each."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from functools import cached_property

from starlette.types import Receive, Scope, Send

RawHeaders = list[tuple[bytes, bytes]]
_COMPRESSIBLE = 512  # bytes; smaller bodies are sent as they are


class CachedResponse:
    """Answers GET with the body, HEAD with its headers, and a known ETag with 304."""

    def __init__(
        self, body: bytes, media_type: str, headers: Mapping[str, str], *, compress: bool = True
    ) -> None:
        """``compress``: offer gzip, too; useless for pictures."""
        self._body = body
        self._compress = compress and len(body) >= _COMPRESSIBLE
        self._digest = hashlib.sha256(body).hexdigest()[:24]
        self._type = media_type
        self._extra = [(name.lower().encode(), text.encode()) for name, text in headers.items()]

    def __len__(self) -> int:
        """About how many bytes of memory it takes."""
        return len(self._body) * (2 if self._compress else 1)

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        if self._compress and _accepts_gzip(_header(scope, b"accept-encoding")):
            body, etag, headers = self._gzipped
        else:
            body, etag, headers = self._plain
        status = 200
        if known_etags := _header(scope, b"if-none-match"):
            etags = {name.strip().removeprefix(b"W/") for name in known_etags.split(b",")}
            if etag in etags or b"*" in etags:
                status, body = 304, b""
                headers = [h for h in headers if h[0] not in (b"content-length", b"content-type")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        if scope["method"] == "HEAD":
            body = b""
        await send({"type": "http.response.body", "body": body})

    @cached_property
    def _plain(self) -> tuple[bytes, bytes, RawHeaders]:
        return self._with_headers(self._body, self._digest, [])

    @cached_property
    def _gzipped(self) -> tuple[bytes, bytes, RawHeaders]:
        body = gzip.compress(self._body, 6, mtime=0)
        return self._with_headers(body, f"{self._digest}-gzip", [(b"content-encoding", b"gzip")])

    def _with_headers(
        self, body: bytes, digest: str, encoding: RawHeaders
    ) -> tuple[bytes, bytes, RawHeaders]:
        etag = f'"{digest}"'.encode()
        headers = [
            (b"content-type", self._type.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"etag", etag),
            *self._extra,
            *encoding,
        ]
        if self._compress:
            headers.append((b"vary", b"accept-encoding"))
        return body, etag, headers


def _header(scope: Scope, name: bytes) -> bytes:
    """The request's header; one that is repeated becomes one list."""
    return b",".join(value for key, value in scope["headers"] if key == name)


def _accepts_gzip(accept_encoding: bytes) -> bool:
    """Whether gzip is accepted, by its name or by ``*``, and not with ``q=0``."""
    accepted = {}
    for entry in accept_encoding.lower().split(b","):
        name, _, weight = entry.partition(b";")
        quality = weight.strip().removeprefix(b"q=") or b"1"
        accepted[name.strip()] = quality.strip(b"0.") != b""
    return accepted.get(b"gzip", accepted.get(b"*", False))
