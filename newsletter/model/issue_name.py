"""What an issue is called."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

_NAME = re.compile(r"(\d{4}-\d\d-\d\d)(?:-c([1-9]\d{0,2}))?", re.ASCII)


@dataclass(frozen=True, order=True, slots=True)
class IssueName:
    """The name of an issue, ``2025-07-07``, or of a mail that corrects one, ``2025-07-07-c1``."""

    date: date
    """The send date of the issue."""

    correction: int = 0
    """The number of the correction; 0 names the issue itself."""

    def __str__(self) -> str:
        return f"{self.date}-c{self.correction}" if self.correction else str(self.date)

    @classmethod
    def parse(cls, text: str) -> IssueName:
        """The issue that the text names. Raises ValueError for what ``str`` never gives."""
        match = _NAME.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} does not name an issue")
        return cls(date.fromisoformat(match[1]), int(match[2] or 0))

    @property
    def is_correction(self) -> bool:
        """Whether it names a mail that corrects an issue."""
        return self.correction > 0

    @property
    def corrected(self) -> IssueName:
        """The issue that the mail corrects; an issue itself stays as it is."""
        return IssueName(self.date)
