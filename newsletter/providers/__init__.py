"""Adaptors to email services: one module a type, found by its file's name.

An adaptor only translates, posts and parses. Retry, order, claims and records are in one place,
``newsletter.deliver``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Protocol

from newsletter import registry
from newsletter.config import ProviderOptions
from newsletter.model import Event, Outcome, Recipient, Send


class Provider(Protocol):
    """An email service."""

    Options: ClassVar[type[ProviderOptions]]
    batch_size: int  # most recipients in one request

    def __init__(self, options: ProviderOptions, folder: Path) -> None:
        """Raises ConfigError where a secret is missing."""
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


def options(type_: str) -> type[ProviderOptions]:
    """The model of a type's keys; raises LookupError where the type does not exist."""
    model: type[ProviderOptions] = registry.load(__name__, type_).Options
    return model


def build(chosen: ProviderOptions, folder: Path) -> Provider:
    """The provider that ``[provider]`` describes."""
    provider: Provider = registry.load(__name__, chosen.type)(chosen, folder)
    return provider
