"""What SendGrid's answers mean for the people in a request."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from newsletter.model import Answer, Outcome, Recipient

RETRY = 30.0  # seconds until a service that is away is asked again
_NAMED = re.compile(r"personalizations[.\[](\d+)\]?\.to\b")  # errors[].field about an address


def refused(
    status: int,
    headers: Mapping[str, str],
    errors: Sequence[Mapping[str, str]],
    people: Sequence[Recipient],
) -> Outcome:
    """What an answer that is not 2xx means for everyone in the request."""
    messages = "; ".join(error["message"] for error in errors) or "no words"
    reason = f"SendGrid answered {status}: {messages}"
    if status >= 500 or status in (100, 408):
        return Outcome.all(people, Answer.UNKNOWN, reason)
    if status == 429:
        return Outcome.all(
            people, Answer.NOT_SENT, reason, retry_after=_wait(headers), throttled=True
        )
    if status == 413:
        return too_large(people, reason)
    if status in (401, 403):
        remedy = "Check SENDGRID_API_KEY and its Mail Send permission, and that the sender of "
        return paused(people, reason, remedy + "[newsletter] is verified; then send again.")
    if 300 <= status < 400:
        where = headers.get("location", "nowhere")[:200]
        reason = f"SendGrid's address answered {status}, a redirect to {where}; nobody followed it"
        return paused(people, reason, "Check base_url in [provider], then send again.")
    if status == 400 and (named := _named(errors, people)):
        others = f"{reason}. It can go with the next request"
        return Outcome.all(people, Answer.NOT_SENT, others).rejecting(named)
    return paused(people, reason, "Mend what it names, then send again.")


def _named(errors: Sequence[Mapping[str, str]], people: Sequence[Recipient]) -> dict[int, str]:
    """The deliveries whose address an error names, with its message."""
    named = {}
    for error in errors:
        match = _NAMED.search(error["field"])
        if match and int(match[1]) < len(people):
            named[people[int(match[1])].delivery] = f"SendGrid: {error['message']}"
    return named


def errors(body: bytes, key: str) -> list[dict[str, str]]:
    """The errors in an answer, each with ``field`` and ``message``; never the key."""
    entries = read(body).get("errors")
    listed = entries if isinstance(entries, list) else []
    return [
        {
            "field": str(error.get("field") or ""),
            "message": " ".join(str(error.get("message")).replace(key, "…").split())[:300],
        }
        for error in listed[:10]
        if isinstance(error, dict)
    ]


def read(body: bytes) -> Mapping[str, Any]:
    """The object in an answer, or the first one of its list; empty where there is none."""
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    if isinstance(document, list) and document:
        document = document[0]
    return document if isinstance(document, dict) else {}


def _wait(headers: Mapping[str, str]) -> float:
    """Seconds until X-RateLimit-Reset (an epoch); a minute where it is missing."""
    try:
        return min(3600.0, max(1.0, float(headers["X-RateLimit-Reset"]) - time.time()))
    except (KeyError, ValueError):
        return 60.0


def unreachable(
    people: Sequence[Recipient], error: Exception, *, untrusted: bool = False
) -> Outcome:
    """There is no connection: every further request can wait as well. ``untrusted``: with nobody
    for whom an authority vouches, and waiting mends nothing.
    """
    reason = f"SendGrid cannot be reached: {error}"
    if untrusted:
        remedy = "Check base_url in [provider]; an authority of your own goes into SSL_CERT_FILE."
        return paused(people, reason, remedy)
    return Outcome.all(people, Answer.NOT_SENT, reason, retry_after=RETRY, throttled=True)


def too_large(people: Sequence[Recipient], reason: str) -> Outcome:
    """Half as many may fit; of one mail alone, nothing does."""
    if len(people) == 1:
        return paused(people, f"One mail alone is too large: {reason}", "Shorten the issue.")
    return Outcome.all(people, Answer.NOT_SENT, reason, split=True)


def paused(people: Sequence[Recipient], reason: str, remedy: str) -> Outcome:
    """The send stops until a person has done what the remedy says."""
    return Outcome.all(people, Answer.NOT_SENT, reason, pause=f"{reason}. {remedy}")
