"""What a provider is, and what it may be able to do beyond that."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol, runtime_checkable

from newsletter.config import ProviderOptions
from newsletter.model import Event, Outcome, Recall, Recipient, Send


class Provider(Protocol):
    """An email service. It is built with its options and the folder of newsletter.toml.

    Building it raises ConfigError where a secret is missing.
    """

    batch_size: int
    """Most recipients in one request."""

    @property
    def Options(self) -> type[ProviderOptions]:  # noqa: N802 - a class, in each of them
        """The keys of its ``[provider]`` block: a class inside the provider's own."""
        ...

    def submit(self, send: Send, batch: Sequence[Recipient]) -> Outcome:
        """Hand one batch over. Never raises for what a provider can answer.

        The outcome names every delivery of the batch, and says UNKNOWN wherever a byte of the
        message may have been taken without an answer to it.
        """
        ...


@runtime_checkable
class Parallel(Protocol):
    """A provider that takes several batches at once."""

    workers: int
    """How many threads may call ``submit`` at once."""
    processes: int | None
    """Over how many processes the workers may be spread; None: the size of the list decides.

    1 for a provider that keeps a rate or counts its connections.
    """


@runtime_checkable
class Interruptible(Protocol):
    """A provider whose batches last so long that they can be ended early."""

    def stop_on(self, event: threading.Event) -> None:
        """From now on, hand over no further mail once the event is set.

        What was not begun is NOT_SENT.
        """
        ...


@runtime_checkable
class Recalls(Protocol):
    """A provider that lets mails go at ``send.send_at``, and can take a batch back before."""

    recall_margin: timedelta
    """How long before that moment it can be asked at the latest."""
    most_recalls: int
    """How many batches it keeps taken back at once."""

    def open_batch(self, batch: Sequence[Recipient]) -> str | Outcome | None:
        """A new id for a batch; None where the key may not take batches back.

        An Outcome (nothing was sent) where the provider cannot be asked now.
        """
        ...

    def recall(self, recall_id: str) -> Recall:
        """Ask to drop everything of that id, what arrives later too. May be repeated."""
        ...


@runtime_checkable
class Reports(Protocol):
    """A provider that posts what became of the mails. Its requests are kept, and read later."""

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Raises ProviderError for a request that is not the provider's.

        ``headers``: by their names in small letters.
        """
        ...

    @staticmethod
    def read(body: str) -> list[Event]:
        """The events in a request; raises ProviderError where it holds no events."""
        ...
