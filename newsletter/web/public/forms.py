"""Read small forms from browsers and mail programs (RFC 8058), in both encodings of forms."""

from __future__ import annotations

from collections.abc import Mapping
from email.parser import BytesParser
from email.policy import compat32
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect, Request

MAX_BYTES = 10_000
_MAX_FIELDS = 100

Form = Mapping[str, list[str]]


async def read(request: Request) -> Form:
    """The form's fields. Empty if the request is not a form or is larger than MAX_BYTES."""
    body = b""
    try:
        async for part in request.stream():
            body += part
            if len(body) > MAX_BYTES:
                return {}
    except ClientDisconnect:
        return {}
    kind = request.headers.get("content-type", "")
    if kind.lower().startswith("multipart/form-data"):
        return _multipart(kind, body)
    try:
        return parse_qs(body.decode(errors="replace"), True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        return {}


def first(form: Form, name: str) -> str:
    """The first value of that name, or an empty text."""
    return next(iter(form.get(name, ())), "")


def _multipart(kind: str, body: bytes) -> Form:
    head = f"Content-Type: {kind}\r\n\r\n".encode("latin-1", "replace")
    # Newer email policies fail on malformed headers.
    message = BytesParser(policy=compat32).parsebytes(head + body)
    fields: dict[str, list[str]] = {}
    for part in message.walk():  # the whole message has no name and no content
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes) and len(fields) < _MAX_FIELDS:
            fields.setdefault(name, []).append(content.decode(errors="replace"))
    return fields
