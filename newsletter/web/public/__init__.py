"""The pages for readers, and the address for provider events."""
