"""Newsletter Desk: a weekly email newsletter builder for newsrooms."""

__version__ = "0.1.0"
