"""The log of a program that runs by itself: one line an event, as text or as JSON.

Every line about an occurrence bears its id, such as ``send/2025-07-07``: what it is and which of
them, whatever part of the program writes the line, in whatever process. A process does one thing
at a time, so what the lines are about is known to all of its threads.
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

# Libraries that tell of each request, with its whole address: some addresses are secrets.
_TALKATIVE = ("apscheduler", "httpx", "httpcore", "urllib3", "alembic")
_ADDRESS = re.compile(r"[^\s<>\"'(),;=]+@[^\s<>\"'(),;=]+")

_facts: Mapping[str, str] = {}


@contextmanager
def context(**facts: str) -> Iterator[None]:
    """Lines that are written in the block bear these facts beside those around it."""
    global _facts
    before, _facts = _facts, {**_facts, **facts}
    try:
        yield
    finally:
        _facts = before


def start(style: Style) -> None:
    """Write everything from INFO on to standard error, in that style."""
    logging.basicConfig(force=True, level=logging.INFO, stream=sys.stderr)
    formatter = _Json() if style == "json" else _Text()
    for handler in logging.getLogger().handlers:
        handler.setFormatter(formatter)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


class _Json(logging.Formatter):
    """One object a line: at, level, what it is about, message; trace for a fault of ours."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        line = {"at": _at(record), "level": record.levelname.lower(), **_facts}
        line["message"] = record.getMessage()
        if record.exc_info:
            line["trace"] = _blanked(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=False)


class _Text(logging.Formatter):
    """``2025-07-07T14:00:00.000Z info Our Week, send/2025-07-07: …``."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; what belongs to it but stands on lines of its own is indented."""
        subject = ", ".join(_facts[name] for name in ("newsletter", "occurrence") if name in _facts)
        said = ": ".join(filter(None, (subject, record.getMessage())))
        if record.exc_info:
            said += f"\n{_blanked(self.formatException(record.exc_info))}"
        return f"{_at(record)} {record.levelname.lower()} {said}".replace("\n", "\n  ")


def _blanked(trace: str) -> str:
    """A trace without addresses: databases quote the row that they refuse."""
    return _ADDRESS.sub("(address)", trace)


def _at(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
