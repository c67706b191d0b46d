"""newsletter.toml → Config. All faults of the file are reported at once.

Secrets never stand in the file: ``secret`` reads them from the environment, or from the file
that ``NAME_FILE`` points to.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from newsletter import registry
from newsletter.config.settings import (
    Alerts,
    Checks,
    Database,
    Dateline,
    Delivery,
    Editor,
    Gather,
    Newsletter,
    Privacy,
    ProviderOptions,
    Public,
    Schedule,
    SourceOptions,
    Tables,
)
from newsletter.errors import ConfigError
from newsletter.toml_file import tables
from newsletter.toml_file.tables import Table

FILE = "newsletter.toml"

_BY_TYPE = ("sources", "provider", "alerts.provider")  # tables whose keys depend on their type


@dataclass(frozen=True)
class Config:
    """A newsletter's whole configuration. ``folder`` is where newsletter.toml lies."""

    folder: Path
    newsletter: Newsletter
    editor: Editor
    schedule: Schedule
    gather: Gather
    dateline: Dateline | None
    delivery: Delivery
    alerts: Alerts
    checks: Checks
    public: Public
    database: Database
    privacy: Privacy
    sources: tuple[SourceOptions, ...]
    provider: ProviderOptions
    alerts_provider: ProviderOptions | None = None  # None: as the readers' mails

    @property
    def alerts_to(self) -> str | None:
        """Who gets the alerts by mail."""
        return self.alerts.email or self.editor.email

    @property
    def hosts_pictures(self) -> bool:
        """Whether pictures are fitted and published with the issue: that needs public pages."""
        return self.newsletter.images == "host" and self.newsletter.base_url is not None

    @property
    def zone(self) -> ZoneInfo:
        """The newsletter's time zone."""
        return ZoneInfo(self.newsletter.timezone)


_Options = TypeVar("_Options", bound=Table)
Lookup = Callable[[str], type[_Options]]


def load(
    folder: Path, source_options: Lookup[SourceOptions], provider_options: Lookup[ProviderOptions]
) -> Config:
    """Read and validate ``folder/newsletter.toml``.

    The two look-ups give the model of a type's own keys, and raise LookupError for a type that
    does not exist. Raises ConfigError with every fault of the file.
    """
    path = folder / FILE
    if not path.exists():
        raise ConfigError(
            f"There is no {FILE} in {folder.resolve()}. Go to the newsletter's folder (or use "
            f"-C DIR), or make a new one with: newsletter init DIR"
        )
    raw = tables.read(path, ConfigError)
    faults: list[str] = []
    blocks = raw.pop("sources", None)
    provider = raw.pop("provider", {"type": "outbox"})
    alerts = raw.get("alerts")
    for_alerts = (
        [alerts.pop("provider")] if isinstance(alerts, dict) and "provider" in alerts else []
    )
    top = tables.validate(Tables, raw, "", faults, _BY_TYPE)
    if not isinstance(blocks, list) or not blocks:
        faults.append("sources: expected at least one [[sources]] block with a type")
        blocks = []

    def typed(lookup: Lookup[_Options], block: object, place: str) -> _Options | None:
        return _typed(folder, lookup, block, place, faults)

    sources = [typed(source_options, b, f"sources[{i}]") for i, b in enumerate(blocks, 1)]
    chosen = typed(provider_options, provider, "provider")
    own = [typed(provider_options, block, "alerts.provider") for block in for_alerts]
    if faults or top is None or chosen is None:
        raise ConfigError(tables.error_message(path, faults))
    return Config(
        folder=folder,
        **{name: getattr(top, name) for name in Tables.model_fields},
        sources=tuple(source for source in sources if source),
        provider=chosen,
        alerts_provider=next(iter(own), None),
    )


def stamp(folder: Path) -> tuple[int, int, int] | None:
    """What is another one after each save of newsletter.toml; None if there is none."""
    try:
        status = (folder / FILE).stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def secret(name: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """The secret of that name from the environment, or from the file NAME_FILE names."""
    if value := environment.get(name):
        return value
    if file := environment.get(f"{name}_FILE"):
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(
                f"{name}_FILE names {file}, which cannot be read: {error.strerror}. "
                f"Mend the path or the file's permissions."
            ) from None
    return None


def _typed(
    folder: Path, lookup: Lookup[_Options], block: object, place: str, faults: list[str]
) -> _Options | None:
    if not isinstance(block, dict) or not isinstance(block.get("type"), str):
        faults.append(f'{place}.type: expected a type, such as type = "…"')
        return None
    type_ = block["type"]
    try:
        if ":" in type_:
            registry.importable_from(folder, type_)
        model = lookup(type_)
    except LookupError as error:
        faults.append(f"{place}.type: {error}")
        return None
    try:
        return tables.validate(model, block, place, faults)
    except Exception as error:  # noqa: BLE001 - a model from outside may raise anything
        faults.append(f"{place}: the Options of {type_} failed: {registry.raised(error, type_)}")
        return None
