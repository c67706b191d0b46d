"""Signed links, the secrets that sign them, and the tokens that a reader's links replace."""
