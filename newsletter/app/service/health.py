"""How the looks at the newsletters of a service went, and whether they can be relied on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LATE = 5 * 60.0  # seconds without a good look: something is wrong
STUCK = 30 * 60.0  # seconds without a sign of a look: it may send for hours, but not in silence


@dataclass
class Watched:
    """A newsletter and how its looks went; moments are seconds of the monotonic clock."""

    folder: Path
    name: str | None  # None: not known yet, since newsletter.toml cannot be read
    good_at: float  # the last good look; at first, the start
    trouble: str | None = None
    broken: bool = False  # the trouble lies in the configuration
    unheard: str | None = None
    looks: int = 0
    pid: int | None = None  # the process that looks just now
    since: float = 0.0
    heard: float = 0.0  # the last sign of that process
    sends: bool = False  # it has begun to send

    def ill(self, now: float) -> str | None:
        """Why nothing can be relied on here; None where all is well."""
        if self.pid is not None and now - self.heard > STUCK:
            return f"The look that began {now - self.since:.0f} seconds ago is stuck."
        if self.trouble and (self.broken or now - self.good_at > LATE):
            return self.trouble
        if self.pid is None and now - self.good_at > LATE:
            return f"The last good look was {now - self.good_at:.0f} seconds ago."
        return None


def health(watched: Sequence[Watched], now: float) -> tuple[bool, dict[str, object]]:
    """Whether all is well, and what is to be said about each newsletter; ``now`` is monotonic."""
    ill = [(each.name or str(each.folder), why) for each in watched if (why := each.ill(now))]
    return not ill, {
        "status": "failing" if ill else "ok",
        "reason": " ".join(f"{name}: {why}" for name, why in ill) or None,
        "newsletters": [
            {
                "name": each.name,
                "folder": str(each.folder.resolve()),
                "seconds_since_good_look": round(now - each.good_at),
                "looks": each.looks,
                "at_work": each.pid is not None,
                "reason": each.ill(now),
            }
            for each in watched
        ],
    }
