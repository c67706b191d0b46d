"""Features that some mail programs do not support, by Can I email. A lint, not a proof."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from newsletter.check import HTML, Location, Mail, warning
from newsletter.check._features import features_in
from newsletter.model import Finding

_TABLE = Path(__file__).with_name("_clients.json")
_MAX_NAMES = 3  # of mail programs in a message


@dataclass(frozen=True)
class Table:
    """Which mail program supports which feature."""

    source: str
    clients: Mapping[str, str]  # key → name
    features: Mapping[str, str]  # feature → one letter for each client, in their order

    def unsupported(self, feature: str) -> list[str]:
        """The keys of the clients without any support for the feature."""
        support = self.features[feature]
        return [key for key, letter in zip(self.clients, support, strict=True) if letter == "n"]


@lru_cache(maxsize=1)
def table() -> Table:
    """The table that ships with the program; ``make clients`` updates it."""
    data = json.loads(_TABLE.read_text(encoding="utf-8"))
    return Table(data["source"], data["clients"], data["features"])


def check(mail: Mail) -> Iterator[Finding]:
    """Every feature that the mail uses is supported everywhere or accepted by the template."""
    support = table()
    for feature, element in features_in(mail, support.features).items():
        accepted = mail.accepted.get(feature, ())
        clients = [key for key in support.unsupported(feature) if key not in accepted]
        if not clients:
            continue
        share = len(clients) / len(support.clients)
        names = ", ".join(support.clients[key] for key in clients[:_MAX_NAMES])
        rest = f" and {len(clients) - _MAX_NAMES} more" if len(clients) > _MAX_NAMES else ""
        keys = json.dumps([*accepted, *clients])
        document: Location = {"place": HTML, "line": None, "story": None}
        location = mail.where(element) if element is not None else document
        yield warning(
            "clients",
            f"The mail uses {feature}, which {len(clients)} of {len(support.clients)} mail "
            f"programs ({share:.0%}) do not support: {names}{rest}.",
            f"Check how the mail reads without it. If it still reads well, add to [accepted] in "
            f"template.toml: {feature} = {keys}",
            **location,
        )
