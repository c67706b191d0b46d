"""Forms as browsers send them, and as mail programs do (RFC 8058): small, in either dress."""

from __future__ import annotations

from collections.abc import Mapping
from email.parser import BytesParser
from email.policy import compat32
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request

MOST = 10_000  # bytes
_FIELDS = 100

Form = Mapping[str, list[str]]


async def read(request: Request) -> Form:
    """The fields; none of what is no form, or larger than any of ours."""
    body = b""
    try:
        async for part in request.stream():
            body += part
            if len(body) > MOST:
                return {}
    except ClientDisconnect:
        return {}
    kind = request.headers.get("content-type", "")
    if kind.lower().startswith("multipart/form-data"):
        return _multipart(kind, body)
    try:
        return parse_qs(body.decode(errors="replace"), True, max_num_fields=_FIELDS)
    except ValueError:
        return {}


def first(form: Form, name: str) -> str:
    """The first value of that name, or nothing."""
    return next(iter(form.get(name, ())), "")


def _multipart(kind: str, body: bytes) -> Form:
    head = f"Content-Type: {kind}\r\n\r\n".encode("latin-1", "replace")
    # The newer policies stumble over heads that were made to trip them.
    message = BytesParser(policy=compat32).parsebytes(head + body)
    found: dict[str, list[str]] = {}
    for part in message.walk():  # the whole has no name, and no content of its own
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes) and len(found) < _FIELDS:
            found.setdefault(name, []).append(content.decode(errors="replace"))
    return found
