"""The protocol of a provider, and one protocol for each further capability."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol, runtime_checkable

from newsletter.config import ProviderOptions
from newsletter.model import Event, Outcome, Recall, Recipient, Send


class Provider(Protocol):
    """An adaptor to an email service.

    Its class is called with its options and the folder that contains newsletter.toml, and raises
    ConfigError if a secret is missing.
    """

    batch_size: int
    """The most recipients in one request."""

    @property
    def Options(self) -> type[ProviderOptions]:  # noqa: N802 - a nested class
        """The keys of its ``[provider]`` block, as a class inside the provider's class."""
        ...

    def submit(self, send: Send, batch: Sequence[Recipient]) -> Outcome:
        """Hand over one batch. Never raises for anything that the service can answer.

        The outcome has an answer for every delivery of the batch. The answer is UNKNOWN if the
        service may have taken any byte of the mail but did not confirm it.
        """
        ...


@runtime_checkable
class Parallel(Protocol):
    """A provider that takes several batches at once."""

    workers: int
    """How many threads may call ``submit`` at once."""
    processes: int | None
    """How many processes may share the workers. None lets the size of the list decide.

    It is 1 for a provider that limits its own rate or counts its connections.
    """


@runtime_checkable
class Interruptible(Protocol):
    """A provider whose batches take so long that it can end them early."""

    def stop_on(self, event: threading.Event) -> None:
        """Hand over no further mail once the event is set.

        Mails that were not started are NOT_SENT.
        """
        ...


@runtime_checkable
class Recalls(Protocol):
    """A provider that releases mails at ``send.send_at`` and can recall a batch before that."""

    recall_margin: timedelta
    """How long before ``send_at`` the last request for a recall may come."""
    most_recalls: int
    """How many recalled batches the service can hold at once."""

    def open_batch(self, batch: Sequence[Recipient]) -> str | Outcome | None:
        """A new id for a batch; None if the API key does not allow recalls.

        Returns an Outcome in which nothing was sent if the service cannot be reached now.
        """
        ...

    def recall(self, recall_id: str) -> Recall:
        """Ask the service to drop every mail with that id, also those that arrive later.

        Calling it again is safe.
        """
        ...


@runtime_checkable
class Reports(Protocol):
    """A provider that posts events about its mails. Requests are stored at once and read later."""

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Raises ProviderError if the request is not from the service.

        The names in ``headers`` are in lower case.
        """
        ...

    @staticmethod
    def read(body: str) -> list[Event]:
        """The events in a request; raises ProviderError if it contains no list of events."""
        ...
