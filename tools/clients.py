"""``make clients FROM=compact.json``: the table of what readers' clients support, made anew.

``FROM`` is Can I email's data (github.com/hteumeuleu/caniemail, MIT) as one JSON document with
``source``, ``licence``, ``nicenames`` and ``features``; each feature with ``support`` by client.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

TABLE = Path(__file__).parents[1] / "newsletter" / "check" / "_clients.json"
_LETTERS = {"y": "y", "a": "a", "n": "n"}


def made(data: dict[str, object]) -> dict[str, object]:
    """The table: its source and licence, the clients' names, a letter per feature and client."""
    names: dict[str, dict[str, str]] = data["nicenames"]  # type: ignore[assignment]
    features: dict[str, dict[str, dict[str, str]]] = data["features"]  # type: ignore[assignment]
    wanted = {slug: each for slug, each in sorted(features.items()) if not slug.startswith("_")}
    clients = sorted({client for each in wanted.values() for client in each["support"]})

    def name(client: str) -> str:
        family, _, platform = client.partition(".")
        return f"{names['family'].get(family, family)} {names['platform'].get(platform, platform)}"

    def letters(support: dict[str, str]) -> str:
        return "".join(_LETTERS.get(support.get(c, "-")[:1], "-") for c in clients)

    return {
        "source": f"Can I email, github.com/{data['source']}",
        "licence": f"{data['licence']}, the authors of Can I email",
        "legend": "a letter per client: y supported, a in part, n not, - not tested",
        "clients": {client: name(client) for client in clients},
        "features": {slug: letters(each["support"]) for slug, each in wanted.items()},
    }


def main() -> None:
    """Read the file that the command line names, and write the table into the package."""
    data = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    text = json.dumps(made(data), ensure_ascii=False, indent=0, separators=(",", ":"))
    TABLE.write_text(text + "\n", encoding="utf-8")
    print(f"{TABLE}: {len(text) // 1024} KB")


if __name__ == "__main__":
    main()
