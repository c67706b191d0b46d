"""What some mail programs do not know, by the data of Can I email; a lint, not a proof."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from newsletter.check import HTML, Mail, Where, warning
from newsletter.check._features import used
from newsletter.model import Finding

_TABLE = Path(__file__).with_name("_clients.json")
_NAMED = 3


@dataclass(frozen=True)
class Table:
    """Which client knows what: a letter per feature and client, in the order of ``clients``."""

    source: str
    clients: Mapping[str, str]  # key → name
    features: Mapping[str, str]

    def unsupported(self, feature: str) -> list[str]:
        """The keys of the clients that do not know the feature at all."""
        letters = self.features[feature]
        return [key for key, letter in zip(self.clients, letters, strict=True) if letter == "n"]


@lru_cache(maxsize=1)
def table() -> Table:
    """The table that ships with the program (``make clients`` makes it)."""
    data = json.loads(_TABLE.read_text(encoding="utf-8"))
    return Table(data["source"], data["clients"], data["features"])


def check(mail: Mail) -> Iterator[Finding]:
    """What the mail uses and some client does not know, but for what the template has accepted."""
    known = table()
    for feature, element in used(mail, frozenset(known.features)).items():
        accepted = mail.accepted.get(feature, ())
        clients = [key for key in known.unsupported(feature) if key not in accepted]
        if not clients:
            continue
        share = len(clients) / len(known.clients)
        names = ", ".join(known.clients[key] for key in clients[:_NAMED])
        more = f" and {len(clients) - _NAMED} more" if len(clients) > _NAMED else ""
        every = json.dumps([*accepted, *clients])
        nowhere: Where = {"place": HTML, "line": None, "story": None}
        where = mail.where(element) if element is not None else nowhere
        yield warning(
            "clients",
            f"The mail uses {feature}, which {len(clients)} of {len(known.clients)} mail programs "
            f"({share:.0%}) do not know: {names}{more}.",
            f"See how the mail reads without it. If it still reads well, put into template.toml, "
            f"under [accepted]: {feature} = {every}",
            **where,
        )
