"""How the passes over each newsletter went, and whether the service can be relied on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LATE = 5 * 60.0  # seconds without a good pass: something is wrong
STUCK = 30 * 60.0  # seconds without a sign of life from a tick: it may send for hours, with signs


@dataclass
class Status:
    """A newsletter and how its passes went. Times are seconds of the monotonic clock."""

    folder: Path
    name: str | None  # None until newsletter.toml can be read
    good_at: float  # the last good pass; at first, the start of the service
    trouble: str | None = None  # why the last pass was not good
    misconfigured: bool = False  # a person has to fix the configuration first
    passes: int = 0
    began_at: float | None = None  # the tick that is running
    sign_at: float = 0.0  # its last sign of life

    def fault(self, now: float) -> str | None:
        """Why the newsletter cannot be relied on; None if it can."""
        if self.began_at is not None and now - self.sign_at > STUCK:
            return f"The tick that began {now - self.began_at:.0f} seconds ago is stuck."
        if self.trouble and (self.misconfigured or now - self.good_at > LATE):
            return self.trouble
        if self.began_at is None and now - self.good_at > LATE:
            return f"The last good pass was {now - self.good_at:.0f} seconds ago."
        return None


def health(statuses: Sequence[Status], now: float) -> tuple[bool, dict[str, object]]:
    """Whether all is well, and the document for /healthz; ``now`` is monotonic."""
    faults = [f"{s.name or s.folder}: {fault}" for s in statuses if (fault := s.fault(now))]
    newsletters = [
        {
            "name": status.name,
            "folder": str(status.folder.resolve()),
            "seconds_since_good_pass": round(now - status.good_at),
            "passes": status.passes,
            "at_work": status.began_at is not None,
            "reason": status.fault(now),
        }
        for status in statuses
    ]
    state, reason = ("failing", " ".join(faults)) if faults else ("ok", None)
    return not faults, {"status": state, "reason": reason, "newsletters": newsletters}
