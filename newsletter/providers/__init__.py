"""Adaptors to email services: one module a type, found by its file's name.

An adaptor only translates, posts and parses. Retry, order, claims and records are in one place,
``newsletter.deliver``. What a provider can do beyond ``submit`` it declares by having what one of
the protocols below names: ``Parallel``, ``Interruptible``, ``Recalls``, ``Reports``.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from newsletter import registry
from newsletter.config import ProviderOptions
from newsletter.errors import ConfigError, NewsletterError, ProviderError
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
        """Raises ProviderError for a request that is not the provider's."""
        ...

    @staticmethod
    def read(body: str) -> list[Event]:
        """The events in a request; raises ProviderError where it holds no events."""
        ...


_ADAPTORS = registry.Adaptors(__name__, "Provider", ProviderOptions, ("submit",))


def read(type_: str, body: str) -> list[Event]:
    """The events in a request that a provider of that type has made, whoever is the provider now.

    Raises ProviderError where there are none to be read.
    """
    try:
        adaptor: Any = _ADAPTORS.load(type_)
    except LookupError as error:
        raise ProviderError(f"A report of {type_} cannot be read any more: {error}") from error
    events: list[Event] = adaptor.read(body)
    return events


def options(type_: str) -> type[ProviderOptions]:
    """The model of a type's keys; raises LookupError where the type does not exist."""
    model: type[ProviderOptions] = _ADAPTORS.load(type_).Options
    return model


def build(chosen: ProviderOptions, folder: Path) -> Provider:
    """The provider that ``[provider]`` describes.

    Raises ConfigError where a secret is missing, or a class from outside cannot be used.
    """
    adaptor = _ADAPTORS.load(chosen.type)
    if ":" not in chosen.type:
        provider: Provider = adaptor(chosen, folder)
        return provider
    try:
        provider = adaptor(chosen, folder)
    except NewsletterError:
        raise
    except (Exception, SystemExit) as error:
        raise ConfigError(
            f"{chosen.type} of [provider] cannot be used: building it raised "
            f"{registry.raised(error, chosen.type)}. Mend the class."
        ) from error
    if fault := _fault(provider):
        raise ConfigError(f"{chosen.type} of [provider] cannot be used: {fault}. Mend the class.")
    return provider


def _fault(provider: Any) -> str | None:
    """What keeps an object of a class from outside from being a provider, in words."""
    size = getattr(provider, "batch_size", None)
    if not _is_count(size):
        return f"its batch_size is {size!r}, not a whole number from 1"
    if isinstance(provider, Parallel):
        if not _is_count(provider.workers):
            return f"its workers is {provider.workers!r}, not a whole number from 1"
        if provider.processes is not None and not _is_count(provider.processes):
            return f"its processes is {provider.processes!r}, not None or a whole number from 1"
    if isinstance(provider, Recalls):
        if not isinstance(provider.recall_margin, timedelta):
            return f"its recall_margin is {provider.recall_margin!r}, not a timedelta"
        if not _is_count(provider.most_recalls):
            return f"its most_recalls is {provider.most_recalls!r}, not a whole number from 1"
    return None


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
