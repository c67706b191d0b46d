"""Adaptors to email services: one module a type, found by its file's name.

An adaptor only translates, posts and parses. Retry, order, claims and records are in one place,
``newsletter.deliver``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from newsletter import registry
from newsletter.config import ProviderOptions
from newsletter.errors import ProviderError
from newsletter.model import Event, Outcome, Recall, Recipient, Send
from newsletter.providers import _message


class Provider(Protocol):
    """An email service.

    One that has ``workers: int`` takes so many batches at once, from as many threads; with
    ``processes: int | None`` they may be spread over so many processes (None: as is best). One
    that has ``listen(stop: threading.Event)``, as a batch may last long, ends it early once that is
    set.
    """

    batch_size: int  # most recipients in one request

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

    def events(self, headers: Mapping[str, str], body: bytes) -> list[Event]:
        """The events in a request from the provider; raises ProviderError for a foreign one."""
        ...


@runtime_checkable
class Recalls(Protocol):
    """A provider that lets mails go at a moment, and can take a batch back before.

    ``recall_margin``: how long before that moment at the latest; ``most_recalls``: how many
    batches it keeps taken back at once.
    """

    recall_margin: timedelta
    most_recalls: int

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
    """A provider whose requests can be kept as they came, and read later."""

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Raises ProviderError for a request that is not the provider's."""
        ...

    @staticmethod
    def read(body: str) -> list[Event]:
        """The events in a request; raises ProviderError where it holds no events."""
        ...


_ADAPTORS = registry.Adaptors(__name__, "Provider", ProviderOptions, ("submit",))


def as_mail(send: Send, recipient: Recipient, at: datetime) -> bytes:
    """The whole mail of one reader, as it stands in a mailbox.

    Raises ValueError where a header must not be written.
    """
    return _message.mail(send, recipient, at)


def read(type_: str, body: str) -> list[Event]:
    """The events in a request that a provider of that type has made, whoever is the provider now.

    Raises ProviderError where there are none to be read.
    """
    try:
        adaptor: Any = _ADAPTORS.load(type_)
    except LookupError as error:
        raise ProviderError(f"A report of {type_} cannot be read any more: {error}") from error
    found: list[Event] = adaptor.read(body)
    return found


def slug(newsletter: str) -> str:
    """The newsletter's name as it stands in events: lower-case ASCII letters and hyphens."""
    return _message.slug(newsletter)


def options(type_: str) -> type[ProviderOptions]:
    """The model of a type's keys; raises LookupError where the type does not exist."""
    model: type[ProviderOptions] = _ADAPTORS.load(type_).Options
    return model


def build(chosen: ProviderOptions, folder: Path) -> Provider:
    """The provider that ``[provider]`` describes; raises ConfigError where a secret is missing."""
    provider: Provider = _ADAPTORS.load(chosen.type)(chosen, folder)
    return provider
