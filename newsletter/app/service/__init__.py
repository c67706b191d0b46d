"""The process behind `newsletter run`, which keeps the clock."""
