"""SendGrid: one request for a whole batch, and signed events about what became of it."""

from __future__ import annotations

import ipaddress
import json
import re
import time
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from newsletter.config import ProviderOptions, secret
from newsletter.errors import ConfigError
from newsletter.model import Answer, Event, Outcome, Recipient, Send
from newsletter.providers import _message, _sendgrid_body, _sendgrid_events

_NAMED = re.compile(r"personalizations[.\[](\d+)\]?\.to\b")  # errors[].field about an address


def _base_url(value: str) -> str:
    parts = urlsplit(value.rstrip("/"))
    secure = parts.scheme == "https" or (parts.scheme == "http" and _loopback(parts.hostname))
    plain = not (parts.path or parts.query or parts.fragment or "@" in parts.netloc)
    if not (secure and plain and parts.hostname) or parts.port == 0:  # .port raises ValueError
        raise ValueError('expected an https address without a path, "https://api.sendgrid.com"')
    return value.rstrip("/")


def _loopback(host: str | None) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


class SendgridProvider:
    """Posts to /v3/mail/send. ``base_url``: another region, or a test server on loopback."""

    class Options(ProviderOptions):
        """``batch_size`` is at most SendGrid's own limit."""

        base_url: Annotated[str, AfterValidator(_base_url)] = "https://api.sendgrid.com"
        batch_size: int | None = Field(None, ge=1, le=_sendgrid_body.MAX_RECIPIENTS)

    def __init__(self, options: Options, folder: Path) -> None:  # noqa: ARG002
        from newsletter.providers import _sendgrid_client

        self.batch_size = options.batch_size or _sendgrid_body.MAX_RECIPIENTS
        self._key = _key()
        self._api, http = _sendgrid_client.connect(options.base_url, self._key)
        weakref.finalize(self, http.close)

    def submit(self, send: Send, batch: Sequence[Recipient]) -> Outcome:
        """Post the batch once; what SendGrid would refuse of it is REJECTED beforehand."""
        if len(batch) > _sendgrid_body.MAX_RECIPIENTS:
            reason = f"SendGrid takes {_sendgrid_body.MAX_RECIPIENTS} recipients a request"
            return Outcome.all(batch, Answer.NOT_SENT, reason, split=True)
        try:
            _message.check(send)
            fit, unfit = _sendgrid_body.personalizations(send, batch)
            body = _sendgrid_body.request(send, [entry for _, entry in fit])
        except ValueError as error:
            return _paused(batch, f"Nothing can be sent: {error}", "Mend it and build again.")
        people = [recipient for recipient, _ in fit]
        if len(body) >= _sendgrid_body.MAX_BYTES:
            outcome = _too_large(people, f"the request has {len(body):,} bytes")
        elif people:
            outcome = self._post(body, people)
        else:
            outcome = Outcome({})
        rejected = dict.fromkeys(unfit, Answer.REJECTED)
        return outcome.but(
            answers={**outcome.answers, **rejected}, reasons={**outcome.reasons, **unfit}
        )

    def events(self, headers: Mapping[str, str], body: bytes) -> list[Event]:
        """The events in a signed request; raises ProviderError for any other."""
        _sendgrid_events.verify(headers, body)
        return _sendgrid_events.parse(body)

    def _post(self, body: bytes, people: Sequence[Recipient]) -> Outcome:
        from python_http_client.exceptions import HTTPError

        from newsletter.providers._sendgrid_client import InDoubt, NothingSent

        try:
            answer = self._api.client.mail.send.post(request_body=body)
        except NothingSent as error:
            reason = f"SendGrid cannot be reached: {error}"
            return Outcome.all(people, Answer.NOT_SENT, reason, retry_after=30.0)
        except InDoubt as error:
            reason = f"SendGrid did not answer: {error}"
            return Outcome.all(people, Answer.UNKNOWN, reason)
        except HTTPError as error:
            errors = _errors(error.body, self._key)
            return _refused(error.status_code, error.headers, errors, people)
        if answer.status_code in (200, 202):
            reference = answer.headers.get("X-Message-Id")
            return Outcome.all(people, Answer.ACCEPTED, reference=reference)
        reason = f"SendGrid answered with {answer.status_code}, which says nothing about the mail"
        return Outcome.all(people, Answer.UNKNOWN, reason)


def _key() -> str:
    key = (secret("SENDGRID_API_KEY") or "").strip()
    if re.fullmatch(r"[!-~]+", key):
        return key
    what = "holds characters that no key has" if key else "is not set"
    raise ConfigError(
        f"SENDGRID_API_KEY {what}. Put an API key with the Mail Send permission into that "
        f"environment variable, or name a file with it in SENDGRID_API_KEY_FILE."
    )


def _refused(
    status: int, headers: Mapping[str, str], errors: list[dict[str, str]], people: Any
) -> Outcome:
    """What an answer that is not 2xx means for everyone in the request."""
    words = "; ".join(error["message"] for error in errors) or "no words"
    said = f"SendGrid answered {status}: {words}"
    if status >= 500 or status in (100, 408):
        return Outcome.all(people, Answer.UNKNOWN, said)
    if status == 429:
        return Outcome.all(people, Answer.NOT_SENT, said, retry_after=_wait(headers))
    if status == 413:
        return _too_large(people, said)
    if status in (401, 403):
        remedy = "Check SENDGRID_API_KEY and its Mail Send permission, and that the sender of "
        return _paused(people, said, remedy + "[newsletter] is verified; then send again.")
    if 300 <= status < 400:
        where = headers.get("location", "nowhere")[:200]
        said = f"SendGrid's address answered {status}, a redirect to {where}; nobody followed it"
        return _paused(people, said, "Check base_url in [provider], then send again.")
    if status == 400 and (named := _named(errors, people)):
        others = f"{said}. It can go with the next request"
        outcome = Outcome.all(people, Answer.NOT_SENT, others)
        answers = {**outcome.answers, **dict.fromkeys(named, Answer.REJECTED)}
        return outcome.but(answers=answers, reasons={**outcome.reasons, **named})
    return _paused(people, said, "Mend what it names, then send again.")


def _named(errors: list[dict[str, str]], people: Sequence[Recipient]) -> dict[int, str]:
    """The deliveries whose address an error names, with its message."""
    named = {}
    for error in errors:
        match = _NAMED.search(error["field"])
        if match and int(match[1]) < len(people):
            named[people[int(match[1])].delivery] = f"SendGrid: {error['message']}"
    return named


def _errors(body: bytes, key: str) -> list[dict[str, str]]:
    """The errors in an answer, each with ``field`` and ``message``; never the key."""
    try:
        found = json.loads(body)["errors"]
        return [
            {
                "field": str(error.get("field") or ""),
                "message": " ".join(str(error.get("message")).replace(key, "…").split())[:300],
            }
            for error in found[:10]
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        return []


def _wait(headers: Mapping[str, str]) -> float:
    """Seconds until X-RateLimit-Reset (an epoch); a minute where it is missing."""
    try:
        return min(3600.0, max(1.0, float(headers["X-RateLimit-Reset"]) - time.time()))
    except (KeyError, ValueError):
        return 60.0


def _too_large(people: Sequence[Recipient], reason: str) -> Outcome:
    if len(people) == 1:
        return _paused(people, f"One mail alone is too large: {reason}", "Shorten the issue.")
    return Outcome.all(people, Answer.NOT_SENT, reason, split=True)


def _paused(people: Sequence[Recipient], said: str, remedy: str) -> Outcome:
    return Outcome.all(people, Answer.NOT_SENT, said, pause=f"{said}. {remedy}")
