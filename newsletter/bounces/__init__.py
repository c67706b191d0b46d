"""What comes back by mail: delivery reports, and complaints. Pure but for ``mailboxes``."""

from newsletter.bounces.notices import Fate, Notice
from newsletter.bounces.reading import read

__all__ = ["Fate", "Notice", "read"]
