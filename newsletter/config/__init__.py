"""The configuration: ``settings`` has the tables, ``reading`` makes a Config of the file."""

from newsletter.config.reading import FILE, Config, load, secret
from newsletter.config.settings import (
    Alerts,
    Checks,
    Database,
    Dateline,
    Delivery,
    Editor,
    Gather,
    LimitedSourceOptions,
    Newsletter,
    Privacy,
    ProviderOptions,
    Public,
    Schedule,
    Skip,
    SourceOptions,
    Tables,
)

__all__ = [
    "FILE",
    "Alerts",
    "Checks",
    "Config",
    "Database",
    "Dateline",
    "Delivery",
    "Editor",
    "Gather",
    "LimitedSourceOptions",
    "Newsletter",
    "Privacy",
    "ProviderOptions",
    "Public",
    "Schedule",
    "Skip",
    "SourceOptions",
    "Tables",
    "load",
    "secret",
]
