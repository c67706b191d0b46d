"""Translate SendGrid's answers to outcomes for the recipients in a request."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from newsletter.model import Answer, Outcome, Recipient

RETRY = 30.0  # seconds until the next request to a service that cannot be reached
_ADDRESS_FIELD = re.compile(r"personalizations[.\[](\d+)\]?\.to\b")  # errors[].field


def refused(
    status: int,
    headers: Mapping[str, str],
    errors: Sequence[Mapping[str, str]],
    recipients: Sequence[Recipient],
) -> Outcome:
    """The outcome of a request that was answered with a status other than 2xx."""
    messages = "; ".join(error["message"] for error in errors) or "no message"
    reason = f"SendGrid answered {status}: {messages}"
    if status >= 500 or status in (100, 408):
        return Outcome.all(recipients, Answer.UNKNOWN, reason)
    if status == 429:
        return Outcome.all(
            recipients, Answer.NOT_SENT, reason, retry_after=_wait(headers), throttled=True
        )
    if status == 413:
        return too_large(recipients, reason)
    if status in (401, 403):
        remedy = "Check SENDGRID_API_KEY and its Mail Send permission, and that the sender of "
        return paused(recipients, reason, remedy + "[newsletter] is verified; then send again.")
    if 300 <= status < 400:
        where = headers.get("location", "nowhere")[:200]
        reason = (
            f"SendGrid's address answered {status}, a redirect to {where}, which is not followed"
        )
        return paused(recipients, reason, "Check base_url in [provider], then send again.")
    if status == 400 and (rejected := _bad_addresses(errors, recipients)):
        waiting = f"{reason}. It can go with the next request"
        return Outcome.all(recipients, Answer.NOT_SENT, waiting).rejecting(rejected)
    return paused(recipients, reason, "Fix what it names, then send again.")


def _bad_addresses(
    errors: Sequence[Mapping[str, str]], recipients: Sequence[Recipient]
) -> dict[int, str]:
    """The deliveries whose address an error names, with the error's message."""
    rejected = {}
    for error in errors:
        match = _ADDRESS_FIELD.search(error["field"])
        if match and int(match[1]) < len(recipients):
            rejected[recipients[int(match[1])].delivery] = f"SendGrid: {error['message']}"
    return rejected


def errors(body: bytes, key: str) -> list[dict[str, str]]:
    """The errors in an answer, each with ``field`` and ``message``, without the API key."""
    entries = document(body).get("errors")
    listed = entries if isinstance(entries, list) else []
    return [
        {
            "field": str(error.get("field") or ""),
            "message": " ".join(str(error.get("message")).replace(key, "…").split())[:300],
        }
        for error in listed[:10]
        if isinstance(error, dict)
    ]


def document(body: bytes) -> Mapping[str, Any]:
    """The JSON object in an answer, or the first object of a list. Empty if there is none."""
    try:
        content = json.loads(body)
    except ValueError:
        return {}
    if isinstance(content, list) and content:
        content = content[0]
    return content if isinstance(content, dict) else {}


def _wait(headers: Mapping[str, str]) -> float:
    """The seconds until X-RateLimit-Reset, which is in epoch seconds; 60 if it is missing."""
    try:
        return min(3600.0, max(1.0, float(headers["X-RateLimit-Reset"]) - time.time()))
    except (KeyError, ValueError):
        return 60.0


def unreachable(
    recipients: Sequence[Recipient], error: Exception, *, untrusted: bool = False
) -> Outcome:
    """The outcome without a connection: every other batch waits as well.

    ``untrusted``: the server's certificate is not trusted, so the send pauses, because waiting
    does not help.
    """
    reason = f"SendGrid cannot be reached: {error}"
    if untrusted:
        remedy = (
            "Check base_url in [provider]. For a private certificate authority, set SSL_CERT_FILE."
        )
        return paused(recipients, reason, remedy)
    return Outcome.all(recipients, Answer.NOT_SENT, reason, retry_after=RETRY, throttled=True)


def too_large(recipients: Sequence[Recipient], reason: str) -> Outcome:
    """Try again with half as many recipients. A single mail that is too large pauses the send."""
    if len(recipients) == 1:
        return paused(recipients, f"One mail alone is too large: {reason}", "Shorten the issue.")
    return Outcome.all(recipients, Answer.NOT_SENT, reason, split=True)


def paused(recipients: Sequence[Recipient], reason: str, remedy: str) -> Outcome:
    """The send stops until a person follows the remedy."""
    return Outcome.all(recipients, Answer.NOT_SENT, reason, pause=f"{reason}. {remedy}")
