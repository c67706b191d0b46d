"""``make chaos``: rehearsals until enough was killed, on both databases; a line for each policy.

``python -m tests.chaos [KILLS] [FIRST SEED]``. Ends with status 1 where a reader got a mail twice
that should not, or none.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from newsletter.app.setup.rehearsal import RehearsalPlan, rehearse
from newsletter.model import Doubt
from tests import postgres

KILLS = 1_000
# Two databases; resend promises nothing that kills could show, so that it has the smallest part.
SHARES = {Doubt.RECALL: 0.25, Doubt.HOLD: 0.2, Doubt.RESEND: 0.05}
EACH = 12  # kills in one send


def main(kills: int = KILLS, seed: int = 1) -> int:
    """Run all rehearsals; how many broke a promise."""
    bad = 0
    with postgres.server() as server:
        for kind in ("sqlite", "postgresql"):
            for policy, share in SHARES.items():
                bad += _many(kind, server, policy, round(kills * share), seed)
    return bad


def _many(kind: str, server: str, policy: Doubt, kills: int, seed: int) -> int:
    counted: Counter[str] = Counter()
    struck: Counter[str] = Counter()
    started = time.monotonic()
    while struck.total() < kills:
        with _address(kind, server) as url, tempfile.TemporaryDirectory() as folder:
            plan = RehearsalPlan(
                400, EACH, doubt=policy, seed=seed, batch_size=20, seconds=0.05, database=url
            )
            result = rehearse(Path(folder), plan)
        seed += 1
        struck += result.kills
        for part in ("accepted", "rejected", "in_doubt", "waiting"):
            counted[part] += getattr(result.receipt, part)
        counted += Counter(
            sends=1,
            readers=plan.readers,
            twice=len(result.twice),
            missing=len(result.missing),
            bad=not result.good,
        )
        if not result.good:
            print(f"  seed {plan.seed}: {result.twice[:3]} {result.missing[:3]}", flush=True)
    print(
        f"| {kind} | {policy} | {counted['sends']} | {counted['readers']:,} | {struck.total()} | "
        f"{counted['twice']} | {counted['missing']} | {counted['in_doubt']} |   "
        f"{time.monotonic() - started:.0f} s; {dict(struck)}",
        flush=True,
    )
    return counted["bad"]


@contextmanager
def _address(kind: str, server: str) -> Iterator[str]:
    if kind == "sqlite":
        yield "sqlite:///newsletter.db"
        return
    with postgres.database(server) as url:
        yield url


if __name__ == "__main__":
    sys.exit(1 if main(*map(int, sys.argv[1:])) else 0)
