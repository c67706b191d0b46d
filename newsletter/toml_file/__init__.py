"""TOML files that people write, read with every fault named at once."""
