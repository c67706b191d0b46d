"""What a returned mail or a complaint says about one reader."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Fate(StrEnum):
    """What happened to the mail, or what the reader did."""

    BOUNCED = "bounced"  # the address is dead
    BLOCKED = "blocked"  # not delivered, but the address may be good
    DELAYED = "delayed"  # the server is still trying
    COMPLAINED = "complained"
    LEAVES = "leaves"


@dataclass(frozen=True)
class Notice:
    """``key``: the same each time the same notice is read. ``recipients``: the addresses it names.

    ``message_id`` and ``list_unsubscribe``: headers of our own mail, if the notice quotes them.
    ``status``: an enhanced status code (RFC 3463); ``reason``: the server's explanation.
    """

    key: str
    fate: Fate
    at: datetime | None
    recipients: tuple[str, ...]
    message_id: str = ""
    list_unsubscribe: str = ""
    status: str = ""
    reason: str = field(default="", repr=False)


# Status codes that are surely about the address, and those that say nothing (RFC 3463).
_GONE = frozenset(("1.0", "1.1", "1.2", "1.3", "1.4", "1.6", "1.10", "2.1"))
_VAGUE = frozenset(("0.0", "5.0", "2.0", "4.0", ""))
_CODE = re.compile(r"(?<![\d.])([245])\.(\d{1,3}\.\d{1,3})(?![\d.])")
_UNKNOWN = re.compile(
    r"(user|recipient|mailbox|account|address)s?\W+(\w+\W+){0,3}(unknown|not\W+(found|exist)|"
    r"(doesn.t|does\W+not|no\W+longer)\W+exist|disabled|inactive|invalid|rejected|unavailable)|"
    r"(unknown|invalid|no\W+such|bad)\W+(\w+\W+){0,2}(user|recipient|mailbox|account|address)|"
    r"no\W+mailbox\W+here|not\W+listed\W+in|does(?:n.t|\W+not)\W+have\W+an?\W+[\w.]*\W*account|"
    r"사용자를?\s*찾을\s*수\s*없|존재하지\s*않는",
    re.IGNORECASE,
)
_FULL = re.compile(
    r"quota|full|too\W+large|spam|block|blacklist|policy|temporar|greylist", re.IGNORECASE
)


def fate_of_failure(status: str, reason: str) -> Fate:
    """Bounced if the server says that the address is dead, otherwise blocked.

    A full mailbox, or a server that rejects the mail itself, may accept the next one.
    """
    codes = [(status[:1], status[2:])] if status else []
    codes += _CODE.findall(reason)
    for kind, rest in codes:
        if rest not in _VAGUE:
            return Fate.BOUNCED if kind == "5" and rest in _GONE else Fate.BLOCKED
    if codes and codes[0][0] != "5":
        return Fate.BLOCKED
    return Fate.BOUNCED if _UNKNOWN.search(reason) and not _FULL.search(reason) else Fate.BLOCKED
