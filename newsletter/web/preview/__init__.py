"""The editor's preview on this machine."""
