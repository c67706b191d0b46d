"""Facts right, of facts expected."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Score:
    """How many facts of one kind came out right, and which did not."""

    kind: str
    right: int = 0
    all: int = 0
    missed: list[str] = field(default_factory=list)

    def expect(self, what: str, right: bool) -> None:
        """Count one fact."""
        self.all += 1
        self.right += right
        if not right:
            self.missed.append(what)

    @property
    def share(self) -> float:
        """Between 0 and 1."""
        return self.right / self.all if self.all else 0.0

    def line(self, other: Score | None = None) -> str:
        """The score in one line, beside another reader's of the same facts."""
        said = f"{self.kind}: {self.right} of {self.all} facts right ({self.share:.1%})"
        return said + (f"; {other.kind}: {other.share:.1%}" if other else "")
