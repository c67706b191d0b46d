"""The log of a program that runs unattended: one line for each event, as text or as JSON.

Every line about an occurrence carries its id, such as ``send/2025-07-07``, whichever module or
process writes the line. A process does one thing at a time, so all its threads share the context.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Literal

Style = Literal["text", "json"]

# Libraries that log each request with its full address; some addresses are secrets.
_NOISY_LOGGERS = ("apscheduler", "httpx", "httpcore", "urllib3", "alembic")
_ADDRESS = re.compile(r"[^\s<>\"'(),;=]+@[^\s<>\"'(),;=]+")

_facts: Mapping[str, str] = {}


@contextmanager
def context(**facts: str) -> Iterator[None]:
    """Add the facts to all lines that are written in the block."""
    global _facts
    outer, _facts = _facts, {**_facts, **facts}
    try:
        yield
    finally:
        _facts = outer


def start(style: Style) -> None:
    """Log everything from INFO up to standard error, in that style."""
    logging.basicConfig(force=True, level=logging.INFO, stream=sys.stderr)
    formatter = _Json() if style == "json" else _Text()
    for handler in logging.getLogger().handlers:
        handler.setFormatter(formatter)
    for name in _NOISY_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)


class _Json(logging.Formatter):
    """One object per line: at, level, the facts, message; trace for an unexpected exception."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {"at": _timestamp(record), "level": record.levelname.lower(), **_facts}
        line["message"] = record.getMessage()
        if record.exc_info:
            line["trace"] = _without_addresses(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


class _Text(logging.Formatter):
    """``2025-07-07T14:00:00.000Z info Our Week, send/2025-07-07: …``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; further lines of the message or trace are indented."""
        subject = ", ".join(_facts[name] for name in ("newsletter", "occurrence") if name in _facts)
        line = ": ".join(filter(None, (subject, record.getMessage())))
        if record.exc_info:
            line += f"\n{_without_addresses(self.formatException(record.exc_info))}"
        return f"{_timestamp(record)} {record.levelname.lower()} {line}".replace("\n", "\n  ")


def _without_addresses(trace: str) -> str:
    """A trace without mail addresses: databases quote the row that they refuse."""
    return _ADDRESS.sub("(address)", trace)


def _timestamp(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
