"""A newsletter's name marks its rows in the database, so no two newsletters may share one."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from newsletter import installation
from newsletter.app.desk import Desk, open_desk
from newsletter.config import FILE
from newsletter.errors import ConfigError, NewsletterError, UsageError


def require_different(folders: Sequence[Path], desks: Sequence[Desk]) -> None:
    """Raise UsageError if a folder occurs twice, or two newsletters share name and database."""
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise UsageError("A folder is named twice. Name each newsletter's folder once.")
    owners: dict[tuple[str, str], Path] = {}
    for desk in desks:
        owner = owners.setdefault((database_location(desk), desk.name), desk.folder)
        if owner != desk.folder:
            raise UsageError(_same_name_message(desk, owner))


def database_location(desk: Desk) -> str:
    """Where the newsletter's database is: the same text for all newsletters that share it.

    Imports the database's driver. Raises ConfigError if its address is not valid.
    """
    from newsletter.store.database import location_of

    return location_of(desk.config.database.url, desk.folder)


def require_own_name(desk: Desk) -> None:
    """Raise ConfigError if another folder of this machine uses the name in this database.

    Machines that share a database on purpose set NEWSLETTER_INSTALLATION, which skips this.
    """
    from newsletter.store import key_values

    if os.environ.get("NEWSLETTER_INSTALLATION"):
        return
    own = {"machine": installation.machine(), "folder": str(desk.folder.resolve())}
    key = f"folder:{desk.name}"
    value = desk.read(key_values.get, key)
    owner = json.loads(value) if value else None
    if owner == own:
        return
    if owner and owner["machine"] == own["machine"] and _has_same_name(desk, Path(owner["folder"])):
        raise ConfigError(_same_name_message(desk, Path(owner["folder"])))
    with desk.writing() as connection:
        key_values.put(connection, key, json.dumps(own))


def _has_same_name(desk: Desk, folder: Path) -> bool:
    """Whether the newsletter in ``folder`` has this name and database; True if in doubt."""
    if not (folder / FILE).exists():
        return False
    try:
        other = open_desk(folder)
    except NewsletterError:
        return True
    return (other.name, database_location(other)) == (desk.name, database_location(desk))


def _same_name_message(desk: Desk, folder: Path) -> str:
    return (
        f"{desk.folder.resolve()} and {folder.resolve()} are both called {desk.name!r} in one "
        f"database, and each would take the other's issues for its own. Change [newsletter] name "
        f"or [database] url in one of them, or delete a copy that is no longer needed."
    )
