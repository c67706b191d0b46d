"""How fast a large list is handed over, against the least that there is to do."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path

import httpx
from sqlalchemy import text

from bench import taking
from newsletter.app import Desk
from newsletter.model import IssueName, Rendered

KEY = "SG.a-key-for-the-bench"
BATCH = 1000
ROUNDS = 3  # the speed of a shared machine changes within a minute: the middle one counts
SAMPLE = 20  # requests through the package's own helpers, and ready-made bodies
SINGLY = 300  # readers who get a request of their own, as the package's README has it
MANY, FEW = 1_000_000, 20_000
ISSUE = IssueName(date(2025, 7, 7))
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Round:
    """One send, and the bare bodies right after it: seconds, and KiB of memory (of both
    processes).
    """

    plan: float
    deliver: float
    memory: float
    bare: float

    @property
    def times(self) -> float:
        """How many times the bare bodies the send took."""
        return self.deliver / self.bare


@dataclass(frozen=True)
class Figures:
    """Of the middle round; and in seconds how long the package takes in its two forms."""

    middle: Round
    lowest: float
    highest: float
    few_memory: float
    package: float
    singly: float


def measure(*, tls: bool, readers: int = MANY) -> Figures:
    """Everything in one run, against one server; by TLS as SendGrid is asked, or without."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        certificate, authorities = taking.certify(folder)
        trusting = {"SSL_CERT_FILE": str(authorities)} if tls else {}
        with taking.server(certificate if tls else None) as url:

            def run(what: str, place: str, count: int) -> dict[str, float]:
                return _run(what, folder / place, count, url, trusting)

            few = run("deliver", "few", FEW)["memory"]
            rounds = []
            for _ in range(ROUNDS):
                shutil.rmtree(folder / "many", ignore_errors=True)
                many = run("deliver", "many", readers)
                rounds.append(Round(**many, bare=run("bare", "many", readers)["seconds"]))
            rounds.sort(key=lambda each: each.times)
            package = run("package", "many", BATCH * SAMPLE)["seconds"] / (BATCH * SAMPLE)
            singly = run("singly", "many", SINGLY)["seconds"] / SINGLY
            return Figures(
                middle=rounds[len(rounds) // 2],
                lowest=rounds[0].times,
                highest=rounds[-1].times,
                few_memory=few,
                package=package * readers,
                singly=singly * readers,
            )


def _run(what: str, folder: Path, readers: int, url: str, more: dict[str, str]) -> dict[str, float]:
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "bench.delivering", what, str(folder), str(readers), url],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "SENDGRID_API_KEY": KEY, **more},
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def open_folder(folder: Path, url: str) -> Desk:
    from newsletter.app import open_desk

    (folder / "newsletter.toml").write_text(
        '[newsletter]\nname = "Bench"\nfrom = "Bench <bench@example.com>"\n'
        'address = "1 Example Street"\nbase_url = "https://bench.example.com"\n'
        '[[sources]]\ntype = "folder"\npath = "."\n[delivery]\ndoubt = "hold"\n'
        f'[provider]\ntype = "sendgrid"\nbase_url = "{url}"\nworkers = 2\nprocesses = 2\n'
    )
    return open_desk(folder)


def deliver(folder: Path, readers: int, url: str) -> dict[str, float]:
    """Plan and hand over that many readers, with the sample issue's mail."""
    from newsletter.app import open_desk
    from newsletter.app.issue.build import compose
    from newsletter.app.send import plan as send_plan
    from newsletter.app.send import send as sending
    from newsletter.app.send.delivery import SendObserver

    rendered = compose(open_desk(ROOT), ISSUE).rendered
    desk = open_folder(folder, url)
    fill(desk, readers)
    httpx.get(f"{url}/count")  # and from now on
    started = time.perf_counter()
    freeze(desk, rendered)
    planned = time.perf_counter()
    plan = send_plan.Plan(ISSUE, None, desk.require_sent(ISSUE), readers)
    found = sending.send(
        desk, plan, SendObserver(progress=lambda _: None)
    )  # as for the bar of a terminal
    ended = time.perf_counter()
    got = httpx.get(f"{url}/count").json()
    if not found.accepted == got == readers:
        raise SystemExit(f"{readers} readers, {found.accepted} accepted, {got} arrived")
    ours, helpers = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    memory = sum(resource.getrusage(who).ru_maxrss for who in (ours, helpers))
    return {"plan": planned - started, "deliver": ended - planned, "memory": memory}


def fill(desk: Desk, readers: int) -> None:
    """That many active readers, put into the tables by themselves: imports are measured apart."""
    from newsletter.store.lists import ensure_list

    people = (
        {"i": i, "email": address(i), "name": f"Reader {i}", "key": f"{i:064x}"}
        for i in range(1, readers + 1)
    )
    with desk.database.begin() as connection:
        number = ensure_list(connection, "weekly")
        while some := list(islice(people, 10_000)):
            connection.execute(_PERSON, some)
        connection.execute(_SUBSCRIPTIONS, {"list": number})


_PERSON = text(
    "INSERT INTO subscribers (id, email, name, address_key, created_at) "
    "VALUES (:i, :email, :name, :key, '2025-01-01')"
)
_SUBSCRIPTIONS = text(
    "INSERT INTO subscriptions (list_id, subscriber_id, status, changed_at) "
    "SELECT :list, id, 'active', '2025-01-01' FROM subscribers"
)


def address(number: int) -> str:
    return f"reader{number}@example{number % 50}.com"


def freeze(desk: Desk, rendered: Rendered) -> None:
    from newsletter.store import sends

    with desk.database.begin() as connection:
        sends.freeze(
            connection,
            rendered,
            newsletter=desk.name,
            issue=ISSUE,
            list_name="weekly",
            sender=desk.config.newsletter.sender,
            reply_to=None,
            articles=[],
            provider="sendgrid",
            batch_size=BATCH,
            send_at=None,
            now=datetime.now(UTC),
        )


if __name__ == "__main__":
    from bench import rivals

    works = {"bare": rivals.bare, "package": rivals.package, "singly": rivals.singly}
    work = {"deliver": deliver, **works}[sys.argv[1]]
    print(json.dumps(work(Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4])))
