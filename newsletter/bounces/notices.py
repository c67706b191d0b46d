"""What one mail that came back says of one reader."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Fate(StrEnum):
    """What became of the mail, or of the reader's patience."""

    BOUNCED = "bounced"  # the address is no good
    BLOCKED = "blocked"  # not delivered, but the address may be good
    DELAYED = "delayed"  # the server still tries
    COMPLAINED = "complained"
    LEAVES = "leaves"


@dataclass(frozen=True)
class Notice:
    """``key``: the same for the same notice, however often it is read. ``recipients``: addresses
    that it names; ``headers``: those of our mail in it that say which one it was.
    """

    key: str
    fate: Fate
    at: datetime | None
    recipients: tuple[str, ...]
    message_id: str = ""
    list_unsubscribe: str = ""
    status: str = ""
    words: str = field(default="", repr=False)


# Of what the server says, what is surely about the address; RFC 3463 has the codes.
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


def fate_of_failure(status: str, words: str) -> Fate:
    """Whether an address that could not be delivered to is to be given up.

    Only where the server says that it is the address: a full mailbox, or a server that does not
    like the mail, may be different next week.
    """
    codes = [(status[:1], status[2:])] if status else []
    codes += _CODE.findall(words)
    for kind, rest in codes:
        if rest not in _VAGUE:
            return Fate.BOUNCED if kind == "5" and rest in _GONE else Fate.BLOCKED
    if codes and codes[0][0] != "5":
        return Fate.BLOCKED
    return Fate.BOUNCED if _UNKNOWN.search(words) and not _FULL.search(words) else Fate.BLOCKED
