"""Adaptors to email services: one module for each type, found by its file name.

An adaptor only translates, posts and parses. Retries, order, claims and records live in one place,
``newsletter.deliver``. A provider declares what else it can do by implementing the protocols
``Parallel``, ``Interruptible``, ``Recalls`` and ``Reports``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from newsletter import registry
from newsletter.config import ProviderOptions
from newsletter.errors import ConfigError, NewsletterError, ProviderError
from newsletter.model import Event
from newsletter.providers._protocols import Interruptible, Parallel, Provider, Recalls, Reports
from newsletter.providers._validation import invalid_events, invalid_provider

__all__ = [
    "Interruptible",
    "Parallel",
    "Provider",
    "Recalls",
    "Reports",
    "build",
    "options",
    "read_events",
    "reporting_types",
    "reports",
    "short_name",
    "verified_body",
]


_ADAPTORS = registry.Adaptors(__name__, "Provider", ProviderOptions, ("submit",))


def reports(type_: str) -> bool:
    """Whether providers of that type report events; raises LookupError for an unknown type."""
    return issubclass(_ADAPTORS.load(type_), Reports)


@lru_cache(maxsize=1)
def reporting_types() -> tuple[str, ...]:
    """The built-in types whose providers report events."""
    return tuple(name for name in registry.names(__name__) if reports(name))


def short_name(type_: str) -> str:
    """The name in ``/events/NAME`` and in messages.

    It is the type itself, or the module's last part: ``pigeon`` for
    ``ourhouse.pigeon:PigeonProvider``.
    """
    return type_.partition(":")[0].rpartition(".")[2]


def read_events(type_: str, body: str, folder: Path) -> list[Event]:
    """The events in a request from a provider of that type, even if it is no longer configured.

    ``folder`` contains newsletter.toml. Raises ProviderError if the request has no readable events,
    ConfigError if the class is broken.
    """
    try:
        if ":" in type_:
            registry.make_importable(folder, type_)
        adaptor: type[Reports] = _ADAPTORS.load(type_)
    except LookupError as error:
        raise ProviderError(f"Events of {type_} can no longer be read: {error}") from error
    try:
        events = adaptor.read(body)
    except ProviderError:
        raise
    except (Exception, SystemExit) as error:
        why = registry.describe(error, type_)
        raise ConfigError(f"{type_} cannot read its events: {why}. Fix the class.") from error
    if fault := invalid_events(events):
        raise ConfigError(f"{type_} cannot read its events: {fault}. Fix the class.")
    return events


def verified_body(provider: Reports, type_: str, headers: Mapping[str, str], body: bytes) -> str:
    """The body of a request, after the provider verified it.

    Raises ProviderError if the request is not from the service, ConfigError if the class is broken.
    """
    try:
        provider.verify({name.lower(): value for name, value in headers.items()}, body)
    except NewsletterError:
        raise
    except (Exception, SystemExit) as error:
        fault = registry.describe(error, type_)
        raise ConfigError(f"{type_} cannot verify its events: {fault}. Fix the class.") from error
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise ProviderError("A request with events is not UTF-8, so it was ignored.") from None


def options(type_: str) -> type[ProviderOptions]:
    """The model of the keys that a type allows; raises LookupError for an unknown type."""
    model: type[ProviderOptions] = _ADAPTORS.load(type_).Options
    return model


def build(settings: ProviderOptions, folder: Path) -> Provider:
    """The provider that ``[provider]`` describes.

    Raises ConfigError if a secret is missing or an outside class cannot be used.
    """
    type_ = settings.type
    adaptor = _ADAPTORS.load(type_)
    if ":" not in type_:
        provider: Provider = adaptor(settings, folder)
        return provider
    try:
        provider = adaptor(settings, folder)
    except NewsletterError:
        raise
    except (Exception, SystemExit) as error:
        fault = f"creating it raised {registry.describe(error, type_)}"
        raise ConfigError(
            f"{type_} of [provider] cannot be used: {fault}. Fix the class."
        ) from error
    if invalid := invalid_provider(provider):
        raise ConfigError(f"{type_} of [provider] cannot be used: {invalid}. Fix the class.")
    return provider
