"""How fast a large list is handed over, against the least that there is to do."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import islice
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

import httpx
import orjson
from sqlalchemy import text

from newsletter.app import Desk
from newsletter.model import Rendered

KEY = "SG.a-key-for-the-bench"
BATCH = 1000
SAMPLE = 20  # prebuilt bodies, posted in turn; and requests through the package's own helpers
SERVERS = 6  # processes that take requests: more than there are connections at once
SINGLY = 300  # readers who get a request of their own, as the package's README has it
MANY, FEW = 1_000_000, 20_000
ISSUE = date(2025, 7, 7)
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Figures:
    """Seconds, and KiB of memory (of both processes), of one run."""

    plan: float
    deliver: float
    bare: float
    package: float
    singly: float
    few_memory: int
    many_memory: int


def measure(readers: int = MANY) -> Figures:
    """Everything in one run, against one server of its own process."""
    with tempfile.TemporaryDirectory() as name, server() as url:
        folder = Path(name)
        few = _run("deliver", folder / "few", FEW, url)
        many = _run("deliver", folder / "many", readers, url)
        bare = _run("bare", folder / "many", readers, url)
        package = _run("package", folder / "many", BATCH * SAMPLE, url)
        singly = _run("singly", folder / "many", SINGLY, url)
    return Figures(
        plan=many["plan"],
        deliver=many["deliver"],
        bare=bare["seconds"],
        package=package["seconds"] * readers / (BATCH * SAMPLE),
        singly=singly["seconds"] * readers / SINGLY,
        few_memory=int(few["memory"]),
        many_memory=int(many["memory"]),
    )


@contextlib.contextmanager
def server() -> Iterator[str]:
    """A SendGrid-shaped server in a process of its own; it must have got every reader once."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.delivering", "serve"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def _run(what: str, folder: Path, readers: int, url: str) -> dict[str, float]:
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "bench.delivering", what, str(folder), str(readers), url],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "SENDGRID_API_KEY": KEY},
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
    from newsletter.app import open_desk, receipts, sending
    from newsletter.app.delivering import Watch
    from newsletter.app.editing import compose

    rendered = compose(open_desk(ROOT), ISSUE).rendered
    desk = open_folder(folder, url)
    fill(desk, readers)
    started = time.perf_counter()
    freeze(desk, rendered)
    planned = time.perf_counter()
    plan = sending.Plan(ISSUE, None, receipts.find(desk, ISSUE), readers)
    found = sending.send(desk, plan, Watch(report=lambda _: None))  # as for the bar of a terminal
    ended = time.perf_counter()
    got = httpx.get(f"{url}/count").json()
    if not found.accepted == got == readers:
        raise SystemExit(f"{readers} readers, {found.accepted} accepted, {got} arrived")
    ours, helpers = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
    memory = sum(resource.getrusage(who).ru_maxrss for who in (ours, helpers))
    return {"plan": planned - started, "deliver": ended - planned, "memory": memory}


def fill(desk: Desk, readers: int) -> None:
    """That many active readers, put into the tables by themselves: imports are measured apart."""
    from newsletter.store.subscribers import list_id

    people = (
        {"i": i, "email": address(i), "name": f"Reader {i}", "key": f"{i:064x}"}
        for i in range(1, readers + 1)
    )
    with desk.database.begin() as connection:
        number = list_id(connection, "weekly")
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
            issue=ISSUE.isoformat(),
            list_name="weekly",
            sender=desk.config.newsletter.sender,
            reply_to=None,
            articles=[],
            provider="sendgrid",
            batch_size=BATCH,
            send_at=None,
            now=datetime.now(UTC),
        )


def bodies(folder: Path, url: str) -> list[bytes]:
    """The bodies of the first requests, as they were sent."""
    from newsletter.app import personal, receipts
    from newsletter.providers import _sendgrid_body, _sendgrid_entries
    from newsletter.store.ledger import Reader

    desk = open_folder(folder, url)
    frozen = receipts.find(desk, ISSUE)
    make = personal.personal(desk, frozen.list_id)
    found = []
    for first in range(1, SAMPLE * BATCH, BATCH):
        numbers = range(first, first + BATCH)
        people = make([Reader(i, i, address(i), f"Reader {i}") for i in numbers])
        _, entries, _ = _sendgrid_entries.personalizations(frozen.send, people)
        found.append(_sendgrid_body.request(frozen.send, entries))
    return found


def bare(folder: Path, readers: int, url: str) -> dict[str, float]:
    """One keep-alive connection posts prebuilt bodies."""
    prebuilt = bodies(folder, url)
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    with httpx.Client(headers=headers, trust_env=False) as client:
        started = time.perf_counter()
        for number in range(readers // BATCH):
            assert (
                client.post(f"{url}/v3/mail/send", content=prebuilt[number % SAMPLE]).status_code
                == 202
            )
        return {"seconds": time.perf_counter() - started}


def package(folder: Path, readers: int, url: str) -> dict[str, float]:
    """The sendgrid package as its documentation shows it: helpers, a request for each batch.

    Such a script reads its readers and makes their links as we do, and keeps no ledger.
    """
    import sendgrid
    from sendgrid.helpers.mail import CustomArg, Header, Mail, Personalization, Substitution, To

    from newsletter.app import personal, receipts
    from newsletter.store.ledger import Reader

    desk = open_folder(folder, url)
    frozen = receipts.find(desk, ISSUE)
    make, send = personal.personal(desk, frozen.list_id), frozen.send
    client = sendgrid.SendGridAPIClient(KEY, host=url)
    started = time.perf_counter()
    for first in range(1, readers + 1, BATCH):
        mail = Mail("bench@example.com", None, send.subject, send.text, send.html)
        with desk.database.read() as connection:
            rows = connection.execute(_SOME, {"first": first, "last": first + BATCH - 1}).all()
        for recipient in make([Reader(id_, id_, *who) for id_, *who in rows]):
            person = Personalization()
            person.add_to(To(recipient.email, recipient.name))
            for key, value in recipient.tokens.items():
                person.add_substitution(Substitution(key, value))
            person.add_custom_arg(CustomArg("nb_delivery", str(recipient.delivery)))
            person.add_header(Header("List-Unsubscribe", f"<{recipient.unsubscribe_url}>"))
            person.add_header(Header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
            mail.add_personalization(person)
        assert client.send(mail).status_code == 202
    return {"seconds": time.perf_counter() - started}


def singly(folder: Path, readers: int, url: str) -> dict[str, float]:
    """The package as its README begins: a mail, and a request, for each reader."""
    import sendgrid
    from sendgrid.helpers.mail import Mail

    from newsletter.app import personal, receipts
    from newsletter.store.ledger import Reader
    from newsletter.tokens import fill

    desk = open_folder(folder, url)
    frozen = receipts.find(desk, ISSUE)
    make, send = personal.personal(desk, frozen.list_id), frozen.send
    client = sendgrid.SendGridAPIClient(KEY, host=url)
    started = time.perf_counter()
    with desk.database.read() as connection:
        rows = connection.execute(_SOME, {"first": 1, "last": readers}).all()
    for reader in (Reader(id_, id_, *who) for id_, *who in rows):
        values = make([reader])[0].tokens
        texts = fill(send.text, values), fill(send.html, values)
        mail = Mail("bench@example.com", reader.email, send.subject, *texts)
        assert client.send(mail).status_code == 202
    return {"seconds": time.perf_counter() - started}


_SOME = text("SELECT id, email, name FROM subscribers WHERE id BETWEEN :first AND :last")


def serve() -> None:
    """Take requests as SendGrid does: read, parse, count the readers, answer 202.

    Several processes, as no server of theirs lets one client wait for another.
    """
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    counted = multiprocessing.get_context("fork").Value("q", 0)
    context = multiprocessing.get_context("fork")
    for _ in range(SERVERS):
        context.Process(target=_take_all, args=(listener, counted), daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # and the others with it
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    signal.pause()


def _take_all(listener: socket.socket, counted: Synchronized[int]) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    while True:
        connection, _ = listener.accept()
        with contextlib.suppress(ConnectionError):
            _talk(connection, counted)
        connection.close()


_TAKEN = b"HTTP/1.1 202 Accepted\r\nX-Message-Id: m\r\nContent-Length: 0\r\n\r\n"


def _talk(connection: socket.socket, counted: Synchronized[int]) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    stream = connection.makefile("rb", buffering=1 << 20)
    while line := stream.readline():
        length = 0
        while (header := stream.readline()) not in (b"\r\n", b""):
            if header.lower().startswith(b"content-length:"):
                length = int(header[15:])
        content = stream.read(length)
        if line.startswith(b"GET"):
            with counted:
                answer, counted.value = str(counted.value).encode(), 0
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(answer)}\r\n\r\n"
            connection.sendall(head.encode() + answer)
            continue
        people = len(orjson.loads(content)["personalizations"])
        with counted:
            counted.value += people
        connection.sendall(_TAKEN)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
    else:
        work = {"deliver": deliver, "bare": bare, "package": package, "singly": singly}[sys.argv[1]]
        print(json.dumps(work(Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4])))
