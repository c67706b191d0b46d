"""An answer that is made once and given many times: its bytes, their mark, and both small."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from functools import cached_property

from starlette.types import Receive, Scope, Send

Headers = list[tuple[bytes, bytes]]
_WORTH = 512  # bytes; what is smaller is not made smaller


class Answer:
    """What a GET gets; HEAD gets its head, and who has it already hears so (304)."""

    def __init__(
        self, body: bytes, media_type: str, headers: Mapping[str, str], *, small: bool = True
    ) -> None:
        """``small``: whether it can be made smaller; a picture is that already."""
        self._body = body
        self._small = small and len(body) >= _WORTH
        self._mark = hashlib.sha256(body).hexdigest()[:24]
        self._type = media_type
        self._more = [(name.lower().encode(), text.encode()) for name, text in headers.items()]

    def __len__(self) -> int:
        """The bytes that it keeps in memory, about."""
        return len(self._body) * (2 if self._small else 1)

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        """One request."""
        if self._small and _takes_gzip(_asked(scope, b"accept-encoding")):
            body, mark, headers = self._gzipped
        else:
            body, mark, headers = self._whole
        status = 200
        if known := _asked(scope, b"if-none-match"):
            names = {name.strip().removeprefix(b"W/") for name in known.split(b",")}
            if mark in names or b"*" in names:
                status, body = 304, b""
                headers = [h for h in headers if h[0] not in (b"content-length", b"content-type")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        if scope["method"] == "HEAD":
            body = b""
        await send({"type": "http.response.body", "body": body})

    @cached_property
    def _whole(self) -> tuple[bytes, bytes, Headers]:
        return self._described(self._body, self._mark, [])

    @cached_property
    def _gzipped(self) -> tuple[bytes, bytes, Headers]:
        body = gzip.compress(self._body, 6, mtime=0)
        return self._described(body, f"{self._mark}-gzip", [(b"content-encoding", b"gzip")])

    def _described(self, body: bytes, mark: str, more: Headers) -> tuple[bytes, bytes, Headers]:
        name = f'"{mark}"'.encode()
        headers = [
            (b"content-type", self._type.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"etag", name),
            *self._more,
            *more,
        ]
        if self._small:
            headers.append((b"vary", b"accept-encoding"))
        return body, name, headers


def _asked(scope: Scope, header: bytes) -> bytes:
    """What the request says in it; a header that stands there twice is one list."""
    return b",".join(value for name, value in scope["headers"] if name == header)


def _takes_gzip(accepted: bytes) -> bool:
    """Whether gzip is among what the client takes, and not with ``q=0``; its name before ``*``."""
    taken = {}
    for each in accepted.lower().split(b","):
        name, _, weight = each.partition(b";")
        quality = weight.strip().removeprefix(b"q=") or b"1"
        taken[name.strip()] = quality.strip(b"0.") != b""
    return taken.get(b"gzip", taken.get(b"*", False))
