"""newsletter.toml → Config. All errors of the file are reported at once.

The file never contains secrets. ``secret`` reads them from the environment, or from the file that
``NAME_FILE`` names.
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

_TYPED_TABLES = ("sources", "provider", "alerts.provider")  # whose keys depend on their type


@dataclass(frozen=True)
class Config:
    """A newsletter's whole configuration."""

    folder: Path  # contains newsletter.toml
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
    alerts_provider: ProviderOptions | None = None  # None: alerts go out as readers' mails do

    @property
    def alerts_to(self) -> str | None:
        """The address that alerts are mailed to."""
        return self.alerts.email or self.editor.email

    @property
    def hosts_pictures(self) -> bool:
        """Whether pictures are resized and published with the issue, which needs public pages."""
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

    The two lookups return the model of a type's keys, and raise LookupError for an unknown type.
    Raises ConfigError with every error of the file.
    """
    path = folder / FILE
    if not path.exists():
        raise ConfigError(
            f"There is no {FILE} in {folder.resolve()}. Change to the newsletter's folder (or use "
            f"-C DIR), or create a newsletter with: newsletter init DIR"
        )
    raw = tables.read(path, ConfigError)
    faults: list[str] = []
    blocks = raw.pop("sources", None)
    provider = raw.pop("provider", {"type": "outbox"})
    alerts = raw.get("alerts")
    alerts_provider = alerts.pop("provider", None) if isinstance(alerts, dict) else None
    top = tables.validate(Tables, raw, "", faults, _TYPED_TABLES)
    if not isinstance(blocks, list) or not blocks:
        faults.append("sources: expected at least one [[sources]] block with a type")
        blocks = []

    def typed(lookup: Lookup[_Options], block: object, place: str) -> _Options | None:
        return _typed(folder, lookup, block, place, faults)

    sources = [typed(source_options, b, f"sources[{i}]") for i, b in enumerate(blocks, 1)]
    main_provider = typed(provider_options, provider, "provider")
    if alerts_provider is not None:
        alerts_provider = typed(provider_options, alerts_provider, "alerts.provider")
    if faults or top is None or main_provider is None:
        raise ConfigError(tables.error_message(path, faults))
    return Config(
        folder=folder,
        **{name: getattr(top, name) for name in Tables.model_fields},
        sources=tuple(source for source in sources if source),
        provider=main_provider,
        alerts_provider=alerts_provider,
    )


def file_version(folder: Path) -> tuple[int, int, int] | None:
    """A value that changes with every save of newsletter.toml; None if the file is missing."""
    try:
        status = (folder / FILE).stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def secret(name: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """The secret of that name from the environment, or from the file that NAME_FILE names.

    None if neither is set. Raises ConfigError if the file cannot be read.
    """
    if value := environment.get(name):
        return value
    if file := environment.get(f"{name}_FILE"):
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(
                f"{name}_FILE names {file}, which cannot be read: {error.strerror}. "
                f"Correct the path or the file's permissions."
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
            registry.make_importable(folder, type_)
        model = lookup(type_)
    except LookupError as error:
        faults.append(f"{place}.type: {error}")
        return None
    try:
        return tables.validate(model, block, place, faults)
    except Exception as error:  # noqa: BLE001 - a model from outside may raise anything
        faults.append(f"{place}: the Options of {type_} failed: {registry.describe(error, type_)}")
        return None
