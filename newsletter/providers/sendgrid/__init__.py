"""SendGrid: one request for a whole batch, and signed events about what became of it."""

from __future__ import annotations

import ipaddress
import logging
import re
import weakref
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from newsletter import message
from newsletter.config import TrackingOptions, secret
from newsletter.errors import ConfigError
from newsletter.model import Answer, Event, Outcome, Recall, Recipient, Send
from newsletter.providers.sendgrid import payload, personalizations, responses, webhook

log = logging.getLogger(__name__)


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

    class Options(TrackingOptions):
        """``batch_size`` is at most SendGrid's own limit; ``workers``: requests at once, which
        ``processes`` share between them; without it a large list decides.
        """

        base_url: Annotated[str, AfterValidator(_base_url)] = "https://api.sendgrid.com"
        batch_size: int | None = Field(None, ge=1, le=personalizations.MAX_RECIPIENTS)
        workers: int = Field(4, ge=1, le=16)
        processes: int | None = Field(None, ge=1, le=16)

    recall_margin = timedelta(minutes=10)
    most_recalls = 10

    def __init__(self, options: Options, folder: Path) -> None:  # noqa: ARG002
        from newsletter.providers.sendgrid import client

        self.batch_size = options.batch_size or personalizations.MAX_RECIPIENTS
        self.workers, self.processes = options.workers, options.processes
        self._options = options
        self._gives_ids = True
        self._key = _key()
        self._api, http = client.connect(options.base_url, self._key)
        weakref.finalize(self, http.close)

    def submit(self, send: Send, batch: Sequence[Recipient]) -> Outcome:
        """Post the batch once; what SendGrid would refuse of it is REJECTED beforehand."""
        if len(batch) > personalizations.MAX_RECIPIENTS:
            reason = f"SendGrid takes {personalizations.MAX_RECIPIENTS} recipients a request"
            return Outcome.all(batch, Answer.NOT_SENT, reason, split=True)
        try:
            message.check(send)
            people, entries, unfit = personalizations.personalizations(send, batch)
            body = payload.request(
                send,
                entries,
                clicks=self._options.click_tracking,
                opens=self._options.open_tracking,
            )
        except (ValueError, TypeError) as error:
            return responses.paused(
                batch, f"Nothing can be sent: {error}", "Fix it and build again."
            )
        if len(body) >= payload.MAX_BYTES:
            outcome = responses.too_large(people, f"the request has {len(body):,} bytes")
        elif people:
            outcome = self._post(body, people)
        else:
            outcome = Outcome({})
        return outcome.rejecting(unfit) if unfit else outcome

    def open_batch(self, batch: Sequence[Recipient]) -> str | Outcome | None:
        """A batch id of SendGrid's; None where this key may not make one."""
        from python_http_client.exceptions import HTTPError

        from newsletter.providers.sendgrid.client import InDoubt, NothingSent

        if not self._gives_ids:
            return None
        try:
            answer = self._api.client.mail.batch.post()
        except NothingSent as error:
            return responses.unreachable(batch, error, untrusted=error.untrusted)
        except InDoubt as error:  # an id that nobody knows of does no harm
            reason = f"SendGrid did not answer: {error}"
            return Outcome.all(batch, Answer.NOT_SENT, reason, retry_after=responses.RETRY)
        except HTTPError as error:
            if error.status_code in (401, 429):
                errors = responses.errors(error.body, self._key)
                return responses.refused(error.status_code, error.headers, errors, batch)
            if error.status_code >= 500:
                reason = f"SendGrid answered {error.status_code} to the question for a batch id"
                return Outcome.all(batch, Answer.NOT_SENT, reason, retry_after=responses.RETRY)
            self._gives_ids = False
            log.warning(
                "SendGrid gives this key no batch ids (it answered %s), so no mail can be taken "
                "back: what is in doubt is held. Give the key the Mail Send permissions whole.",
                error.status_code,
            )
            return None
        batch_id = responses.read(answer.body).get("batch_id")
        return str(batch_id) if batch_id else None

    def recall(self, recall_id: str) -> Recall:
        """Cancel the batch; SendGrid drops it at its moment, with what of it arrives later."""
        from python_http_client.exceptions import HTTPError

        from newsletter.providers.sendgrid.client import InDoubt, NothingSent

        sends = self._api.client.user.scheduled_sends
        try:
            sends.post(request_body={"batch_id": recall_id, "status": "cancel"})
        except (NothingSent, InDoubt) as error:
            return Recall(False, f"SendGrid did not answer: {error}", again=True)
        except HTTPError as error:
            errors = "; ".join(e["message"] for e in responses.errors(error.body, self._key))
            reason = f"SendGrid did not take the batch back ({error.status_code}): {errors}"
            if error.status_code in (401, 429) or error.status_code >= 500:
                return Recall(False, reason, again=True)  # 401: with the right key it can be
            cancelled = self._is_cancelled(recall_id)
            return Recall(bool(cancelled), reason, again=cancelled is None)
        return Recall(True)

    def _is_cancelled(self, recall_id: str) -> bool | None:
        """Whether an earlier request, whose answer was lost, has cancelled the batch.

        None where SendGrid cannot be asked now.
        """
        from python_http_client.exceptions import HTTPError

        from newsletter.providers.sendgrid.client import InDoubt, NothingSent

        try:
            answer = self._api.client.user.scheduled_sends._(recall_id).get()
        except (NothingSent, InDoubt):
            return None
        except HTTPError as error:
            asked_in_vain = error.status_code in (401, 429) or error.status_code >= 500
            return None if asked_in_vain else False
        batch = responses.read(answer.body)
        return batch.get("batch_id") == recall_id and batch.get("status") == "cancel"

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Raises ProviderError unless SendGrid has signed exactly these bytes."""
        webhook.verify(headers, body)

    @staticmethod
    def read(body: str) -> list[Event]:
        """The events in a request that was verified when it came."""
        return webhook.parse(body)

    def _post(self, body: bytes, people: Sequence[Recipient]) -> Outcome:
        from python_http_client.exceptions import HTTPError

        from newsletter.providers.sendgrid.client import InDoubt, NothingSent

        try:
            answer = self._api.client.mail.send.post(request_body=body)
        except NothingSent as error:
            return responses.unreachable(people, error, untrusted=error.untrusted)
        except InDoubt as error:
            reason = f"SendGrid did not answer: {error}"
            return Outcome.all(people, Answer.UNKNOWN, reason)
        except HTTPError as error:
            errors = responses.errors(error.body, self._key)
            return responses.refused(error.status_code, error.headers, errors, people)
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
