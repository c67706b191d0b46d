"""SendGrid: one request for a whole batch, and signed events about its mails."""

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
    """Posts batches to SendGrid's /v3/mail/send."""

    class Options(TrackingOptions):
        """The keys of ``[provider]`` with ``type = "sendgrid"``."""

        base_url: Annotated[str, AfterValidator(_base_url)] = "https://api.sendgrid.com"
        """Another region, or a test server on loopback."""
        batch_size: int | None = Field(None, ge=1, le=personalizations.MAX_RECIPIENTS)
        workers: int = Field(4, ge=1, le=16)
        """The requests at once, over all processes together."""
        processes: int | None = Field(None, ge=1, le=16)
        """How many processes share the workers; by default the size of the list decides."""

    recall_margin = timedelta(minutes=10)
    most_recalls = 10

    def __init__(self, options: Options, folder: Path) -> None:  # noqa: ARG002
        """Raises ConfigError if the API key is missing."""
        from newsletter.providers.sendgrid import client

        self.batch_size = options.batch_size or personalizations.MAX_RECIPIENTS
        self.workers, self.processes = options.workers, options.processes
        self._options = options
        self._has_batch_ids = True
        self._key = _key()
        self._api, http = client.connect(options.base_url, self._key)
        weakref.finalize(self, http.close)

    def submit(self, send: Send, batch: Sequence[Recipient]) -> Outcome:
        """Post the batch once. Recipients that SendGrid would refuse are REJECTED, not posted."""
        if len(batch) > personalizations.MAX_RECIPIENTS:
            reason = (
                f"SendGrid accepts at most {personalizations.MAX_RECIPIENTS} recipients a request"
            )
            return Outcome.all(batch, Answer.NOT_SENT, reason, split=True)
        try:
            message.check(send)
            recipients, entries, rejected = personalizations.personalizations(send, batch)
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
            outcome = responses.too_large(recipients, f"the request has {len(body):,} bytes")
        elif recipients:
            outcome = self._post(body, recipients)
        else:
            outcome = Outcome({})
        return outcome.rejecting(rejected) if rejected else outcome

    def open_batch(self, batch: Sequence[Recipient]) -> str | Outcome | None:
        """A new batch id from SendGrid; None if the API key may not create one."""
        from python_http_client.exceptions import HTTPError

        from newsletter.providers.sendgrid.client import InDoubt, NothingSent

        if not self._has_batch_ids:
            return None
        try:
            answer = self._api.client.mail.batch.post()
        except NothingSent as error:
            return responses.unreachable(batch, error, untrusted=error.untrusted)
        except InDoubt as error:  # an id that was created but never arrived does no harm
            reason = f"SendGrid did not answer: {error}"
            return Outcome.all(batch, Answer.NOT_SENT, reason, retry_after=responses.RETRY)
        except HTTPError as error:
            if error.status_code in (401, 429):
                errors = responses.errors(error.body, self._key)
                return responses.refused(error.status_code, error.headers, errors, batch)
            if error.status_code >= 500:
                reason = f"SendGrid answered {error.status_code} to a request for a batch id"
                return Outcome.all(batch, Answer.NOT_SENT, reason, retry_after=responses.RETRY)
            self._has_batch_ids = False
            log.warning(
                "SendGrid gives this API key no batch ids (it answered %s), so batches in doubt "
                "are held and cannot be recalled. Give the key full access to Mail Send.",
                error.status_code,
            )
            return None
        batch_id = responses.document(answer.body).get("batch_id")
        return str(batch_id) if batch_id else None

    def recall(self, recall_id: str) -> Recall:
        """Cancel the batch. SendGrid drops its mails at ``send_at``, later arrivals too."""
        from python_http_client.exceptions import HTTPError

        from newsletter.providers.sendgrid.client import InDoubt, NothingSent

        sends = self._api.client.user.scheduled_sends
        try:
            sends.post(request_body={"batch_id": recall_id, "status": "cancel"})
        except (NothingSent, InDoubt) as error:
            return Recall(False, f"SendGrid did not answer: {error}", again=True)
        except HTTPError as error:
            errors = "; ".join(e["message"] for e in responses.errors(error.body, self._key))
            reason = f"SendGrid did not recall the batch ({error.status_code}): {errors}"
            if error.status_code in (401, 429) or error.status_code >= 500:
                return Recall(False, reason, again=True)  # 401: the right key may come later
            cancelled = self._is_cancelled(recall_id)
            return Recall(bool(cancelled), reason, again=cancelled is None)
        return Recall(True)

    def _is_cancelled(self, recall_id: str) -> bool | None:
        """Whether an earlier request, whose answer was lost, cancelled the batch.

        None if SendGrid cannot be asked now.
        """
        from python_http_client.exceptions import HTTPError

        from newsletter.providers.sendgrid.client import InDoubt, NothingSent

        try:
            answer = self._api.client.user.scheduled_sends._(recall_id).get()
        except (NothingSent, InDoubt):
            return None
        except HTTPError as error:
            try_later = error.status_code in (401, 429) or error.status_code >= 500
            return None if try_later else False
        batch = responses.document(answer.body)
        return batch.get("batch_id") == recall_id and batch.get("status") == "cancel"

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Raises ProviderError unless SendGrid signed exactly these bytes."""
        webhook.verify(headers, body)

    @staticmethod
    def read(body: str) -> list[Event]:
        """The events in a request; raises ProviderError if it contains no list of events."""
        return webhook.parse(body)

    def _post(self, body: bytes, recipients: Sequence[Recipient]) -> Outcome:
        from python_http_client.exceptions import HTTPError

        from newsletter.providers.sendgrid.client import InDoubt, NothingSent

        try:
            answer = self._api.client.mail.send.post(request_body=body)
        except NothingSent as error:
            return responses.unreachable(recipients, error, untrusted=error.untrusted)
        except InDoubt as error:
            reason = f"SendGrid did not answer: {error}"
            return Outcome.all(recipients, Answer.UNKNOWN, reason)
        except HTTPError as error:
            errors = responses.errors(error.body, self._key)
            return responses.refused(error.status_code, error.headers, errors, recipients)
        if answer.status_code in (200, 202):
            reference = answer.headers.get("X-Message-Id")
            return Outcome.all(recipients, Answer.ACCEPTED, reference=reference)
        reason = f"SendGrid answered {answer.status_code}, which says nothing about the mail"
        return Outcome.all(recipients, Answer.UNKNOWN, reason)


def _key() -> str:
    key = (secret("SENDGRID_API_KEY") or "").strip()
    if re.fullmatch(r"[!-~]+", key):
        return key
    fault = "contains characters that no API key has" if key else "is not set"
    raise ConfigError(
        f"SENDGRID_API_KEY {fault}. Set that environment variable to an API key with the "
        f"Mail Send permission, or SENDGRID_API_KEY_FILE to a file with it."
    )
