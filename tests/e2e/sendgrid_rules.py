"""What SendGrid's mail/send refuses: its official schema, and the rules that the schema misses."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs

SPECIFICATION = Path("sendgrid") / "tsg_mail_v3.json"  # inside the shared test data
RESERVED = {
    *("x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type"),
    *("content-transfer-encoding", "to", "from", "subject", "reply-to", "cc", "bcc"),
}
KEYS = {
    *("personalizations", "from", "reply_to", "subject", "content", "categories"),
    *("tracking_settings", "mail_settings", "headers", "send_at", "batch_id"),
}
ENTRY_KEYS = {"to", "substitutions", "headers", "custom_args", "send_at"}
_BAD_NAME = set(",;\r\n")

Violation = tuple[str, str]  # field, message


def schema(data: Path) -> Any:
    """A validator of request bodies from the official specification in the shared test data."""
    document = json.loads((data / SPECIFICATION).read_text(encoding="utf-8"))
    request = document["components"]["requestBodies"]["PostMailSend"]
    found = request["content"]["application/json"]["schema"]
    # The specification says string by mistake; the documentation and the service say object.
    found["properties"]["custom_args"] = {"type": "object"}
    return jsonschema_rs.Draft202012Validator(
        {**found, "components": document["components"]}, validate_formats=True
    )


def violations(body: Any, size: int, validator: Any = None) -> list[Violation]:
    """Everything that is wrong with a request body of ``size`` bytes."""
    if not isinstance(body, dict):
        return [("", "the body is not an object")]
    found: list[Violation] = []
    if validator is not None:
        for error in validator.iter_errors(body):
            found.append((".".join(map(str, error.instance_path)), error.message))
    found += [(key, "unknown key") for key in body.keys() - KEYS]
    found += _entries(body.get("personalizations"))
    found += _content(body)
    if not 0 <= body.get("send_at", time.time()) - time.time() + 60 <= 72 * 3600:
        found.append(("send_at", "it lies in the past, or more than 72 hours ahead"))
    if "batch_id" in body and "send_at" not in body:
        found.append(("batch_id", "a batch without a moment cannot be taken back"))
    if size >= 30_000_000:
        found.append(("", "the body is too large"))
    return found


def _entries(entries: Any) -> Iterator[Violation]:
    if not isinstance(entries, list) or not 1 <= len(entries) <= 1000:
        yield "personalizations", "there must be 1 to 1000 personalizations"
        return
    for number, entry in enumerate(entries):
        place = f"personalizations.{number}"
        yield from _entry(place, entry)
    seen = Counter(str(entry["to"][0]["email"]).lower() for entry in entries if entry.get("to"))
    for address, times in seen.items():
        if times > 1:
            yield "personalizations", f"{address} is included more than once"


def _entry(place: str, entry: dict[str, Any]) -> Iterator[Violation]:
    for key in entry.keys() - ENTRY_KEYS:
        yield f"{place}.{key}", "unknown key"
    to = entry.get("to")
    if not isinstance(to, list) or len(to) != 1 or not to[0].get("email", "").isascii():
        yield f"{place}.to", "there must be exactly one recipient, with an ASCII address"
    elif _BAD_NAME & set(to[0].get("name", "")):
        yield f"{place}.to.0.name", "the name has a character that is not allowed"
    yield from _headers(place, entry)
    for part in ("substitutions", "custom_args"):
        values = entry.get(part, {})
        if not all(isinstance(value, str) for value in values.values()):
            yield f"{place}.{part}", "every value must be a string"
        elif sum(len((key + value).encode()) for key, value in values.items()) > 10_000:
            yield f"{place}.{part}", "more than 10,000 bytes"
    if "@" in json.dumps(entry.get("custom_args", {})):
        yield f"{place}.custom_args", "no personal data here: events carry it around"


def _headers(place: str, entry: dict[str, Any]) -> Iterator[Violation]:
    for name, value in entry.get("headers", {}).items():
        if name.lower() in RESERVED:
            yield f"{place}.headers.{name}", "the header is reserved"
        if not isinstance(value, str) or not value.isascii() or not value.isprintable():
            yield f"{place}.headers.{name}", "the value is not one line of ASCII text"


def _content(body: dict[str, Any]) -> Iterator[Violation]:
    types = [part.get("type") for part in body.get("content") or []]
    if types != ["text/plain", "text/html"]:
        yield "content", f"the parts must be text/plain, then text/html; they are {types}"
    if not body.get("subject"):
        yield "subject", "the subject is required"
    categories = body.get("categories", [])
    if len(set(categories)) != len(categories) or len(categories) > 10:
        yield "categories", "at most ten, and each only once"
    wanted = {"click_tracking", "open_tracking", "subscription_tracking"}
    if missing := wanted - body.get("tracking_settings", {}).keys():
        yield "tracking_settings", f"left to the account's settings: {sorted(missing)}"
