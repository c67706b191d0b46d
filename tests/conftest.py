"""Fixtures for every kind of test."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsletter.store import Database, open_database
from tests import postgres
from tests.clocked_newsroom import Office, Offices
from tests.newsroom import Newsroom, empty_database, make

ROOT = Path(__file__).parent.parent
MEMORY = Path("/dev/shm")
ENOUGH = 2 << 30  # bytes: what all workers need at once, several times over

if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH:
    # The tests kill programs, never the machine: nothing that they write need reach a disk.
    os.environ["TMPDIR"] = str(MEMORY)
    tempfile.tempdir = None  # it was looked up before


gc.disable()  # until everything is imported, which stays


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Keep the garbage collector from searching all modules and tests again and again."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two workers for each processor: many a test waits, for a lease or for a browser."""
    processors = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return processors * 2


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, in each of the workers, who begin with equal shares.

    What needs a browser stands together, so that few of them start one.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    long = [item for item in items if item.get_closest_marker("long")]
    rest = [item for item in items if not item.get_closest_marker("long")]
    rest.sort(key=lambda item: item.get_closest_marker("browser") is None)
    share = -(-len(rest) // workers)
    items[:] = [
        item
        for worker in range(workers)
        for item in (*long[worker::workers], *rest[worker * share : (worker + 1) * share])
    ]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The test data made by others, which does not belong to the project."""
    folder = Path(os.environ.get("NEWSLETTER_TEST_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("the shared test data is not on this machine")
    return folder


@pytest.fixture
def newsroom(tmp_path: Path) -> Newsroom:
    """A newsroom with one feed of three headlines, three minutes from its first issue."""
    return make(tmp_path)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Offices]:
    """Makes a newsroom with that [schedule], a minute before the gather of its first issue."""
    made: list[Office] = []

    def make_office(schedule: str = "") -> Office:
        made.append(Office(tmp_path, schedule))
        return made[-1]

    yield make_office
    for each in made:
        each.close()


@pytest.fixture
def desk_office(office: Offices) -> Office:
    """One with the usual timetable."""
    return office()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A real PostgreSQL server, for this process of the test run."""
    with postgres.server() as address:
        yield address


@pytest.fixture(scope="session")
def migrated_address(postgres_server: str) -> Iterator[str]:
    """A PostgreSQL database that was migrated once, to be copied."""
    with postgres.database(postgres_server) as address:
        open_database(address, Path()).close()
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a new, migrated database, in turn of each kind."""
    if request.param == "sqlite":
        (tmp_path / "test.db").write_bytes(empty_database())
        yield "sqlite:///test.db"
        return
    server = request.getfixturevalue("postgres_server")
    migrated = request.getfixturevalue("migrated_address")
    with postgres.database(server, migrated) as address:
        yield address


@pytest.fixture
def database(database_url: str, tmp_path: Path) -> Iterator[Database]:
    """A new database, open, in turn of each kind."""
    opened = open_database(database_url, tmp_path)
    yield opened
    opened.close()
