"""The subscribers of the newsletter's list."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from newsletter import subscriber_csv
from newsletter.app.desk import Desk
from newsletter.errors import ContentError, UsageError
from newsletter.store.subscribers import ACTIVE, People, Person


@dataclass(frozen=True)
class Imported:
    """What an import did: how many lines were used, and which were not, with the reason."""

    used: int
    refused: tuple[tuple[int, str], ...]


def import_file(desk: Desk, path: Path, *, skip_bad_lines: bool) -> Imported:
    """Put everybody in the file on the list, in one transaction.

    Raises ContentError with every bad line unless they are to be skipped. Nobody who has
    unsubscribed becomes active again by it, and nobody who was erased comes back.
    """
    rows, bad = subscriber_csv.read(path)
    refused = [(line.line, line.reason) for line in bad]
    if refused and not skip_bad_lines:
        lines = "\n".join(f"  line {number}: {reason}" for number, reason in refused)
        what = "1 line" if len(refused) == 1 else f"{len(refused)} lines"
        raise ContentError(
            f"Nobody was imported: {path} has {what} that cannot be used:\n{lines}\n"
            f"Mend them, or import the others with --skip-bad-lines."
        )
    used: set[str] = set()
    with desk.database.begin() as connection:
        people = People(connection, desk.config.newsletter.list)
        for row in rows:
            why = people.add(row.email, row.name, row.status, desk.clock(), revive=False)
            if why:
                refused.append((row.line, f"{row.email}: {why}"))
            else:
                used.add(row.email)
    return Imported(len(used), tuple(sorted(refused)))


def add(desk: Desk, address: str, name: str) -> None:
    """Put one person on the list, active; raises UsageError where that is refused."""
    email = _normalised(address)
    with desk.database.begin() as connection:
        people = People(connection, desk.config.newsletter.list)
        why = people.add(email, subscriber_csv.clean_name(name), ACTIVE, desk.clock(), revive=True)
    if why:
        raise UsageError(f"{email} was not added: {why}.")


def remove(desk: Desk, address: str) -> None:
    """Unsubscribe one person; raises UsageError where they are not active on the list."""
    email = _normalised(address)
    with desk.database.begin() as connection:
        gone = People(connection, desk.config.newsletter.list).remove(email, desk.clock())
    if not gone:
        raise UsageError(
            f"{email} is no active subscriber of the list {desk.config.newsletter.list!r}. "
            f"Look who is: newsletter subscribers show"
        )


def erase(desk: Desk, address: str) -> bool:
    """Forget one person for good, and bar the address; False where nobody had it."""
    email = _normalised(address)
    with desk.database.begin() as connection:
        return People(connection, desk.config.newsletter.list).erase(email, desk.clock())


def everyone(desk: Desk) -> list[Person]:
    """Everybody on the list, by address."""
    with desk.database.begin() as connection:
        return list(People(connection, desk.config.newsletter.list).everyone())


def _normalised(address: str) -> str:
    try:
        return subscriber_csv.normalised(address)
    except ValueError as error:
        raise UsageError(
            f"{str(error)[0].upper()}{str(error)[1:]} Write it as name@example.com."
        ) from error
