"""A newsletter's name marks its rows in the database: there is one newsletter of that name."""

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
    """Raises UsageError where a folder is given twice, or two newsletters are one to a database."""
    once = {folder.resolve() for folder in folders}
    if len(once) < len(folders):
        raise UsageError("A folder is named twice. Name each newsletter's folder once.")
    seen: dict[tuple[str, str], Path] = {}
    for desk in desks:
        other = seen.setdefault((database_location(desk), desk.name), desk.folder)
        if other != desk.folder:
            raise UsageError(_said(desk, other))


def database_location(desk: Desk) -> str:
    """Where the newsletter's database is, the same for all who share it; its driver is loaded."""
    from newsletter.store.database import place_of

    return place_of(desk.config.database.url, desk.folder)


def require_own_name(desk: Desk) -> None:
    """Raises ConfigError where another folder of this machine has the name in this database.

    Machines that share a database say by NEWSLETTER_INSTALLATION that they mean it.
    """
    from newsletter.store import key_values

    if os.environ.get("NEWSLETTER_INSTALLATION"):
        return
    mine = {"machine": installation.machine(), "folder": str(desk.folder.resolve())}
    fact = f"folder:{desk.name}"
    known = desk.read(key_values.find, fact)
    said = json.loads(known) if known else None
    if said == mine:
        return
    if said and said["machine"] == mine["machine"] and _is_still(desk, Path(said["folder"])):
        raise ConfigError(_said(desk, Path(said["folder"])))
    with desk.writing() as connection:
        key_values.put(connection, fact, json.dumps(mine))


def _is_still(desk: Desk, other: Path) -> bool:
    """Whether the newsletter there has that name and database; when in doubt, it has."""
    if not (other / FILE).exists():
        return False
    try:
        found = open_desk(other)
    except NewsletterError:
        return True
    return (found.name, database_location(found)) == (desk.name, database_location(desk))


def _said(desk: Desk, other: Path) -> str:
    return (
        f"{desk.folder.resolve()} and {other.resolve()} are both called {desk.name!r} in one "
        f"database, and each would take the other's issues for its own. Change [newsletter] name "
        f"or [database] url in one of them; a copy that is not needed any more can go."
    )
