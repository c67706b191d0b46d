"""TOML files that people write: read them, report all their errors at once, append to them."""
