"""Subscribers: lists and imports, sign-ups, and what a reader's own link does."""
