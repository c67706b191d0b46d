"""How fast a provider's events are taken: signed requests of 500 each, one after the other from
two senders, on the same processors as the server.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bench import delivering

READERS = 20_000
EACH = 500  # events in a request
LEAST = 5_000  # events a second
SENDERS = 2
_KINDS = ("processed", "delivered", "open", "click")


@dataclass(frozen=True)
class Measured:
    """Events a second; bytes of memory at the most after the first tenth, and after all."""

    rate: float
    early: int
    late: int


def measure(readers: int = READERS) -> Measured:
    """Four events for each reader and a few bounces, on SQLite; each must be there once."""
    private = ec.generate_private_key(ec.SECP256R1())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _prepare(folder, readers)
        requests = list(_requests(readers, private))
        tenth = len(requests) // 10
        with _served(folder, private) as (url, pid):
            _post(url, requests[:tenth])
            early, start = _peak(pid), time.perf_counter()
            _post(url, requests[tenth:])
            seconds = time.perf_counter() - start
            late = _peak(pid)
        expected = len(requests) * EACH
        if (stored := _stored(folder)) != expected:
            raise SystemExit(f"{expected} events were posted, and {stored} are stored")
    return Measured((len(requests) - tenth) * EACH / seconds, early, late)


def _prepare(folder: Path, readers: int) -> None:
    from newsletter.app import open_desk
    from newsletter.app.issue.build import compose

    rendered = compose(open_desk(delivering.ROOT), delivering.ISSUE).rendered
    desk = delivering.open_folder(folder, "http://127.0.0.1:9")
    delivering.fill(desk, readers)
    delivering.freeze(desk, rendered)
    with desk.database.begin() as connection:
        connection.exec_driver_sql("UPDATE deliveries SET state = 'accepted'")
    desk.close()


def _requests(
    readers: int, private: ec.EllipticCurvePrivateKey
) -> Iterator[tuple[bytes, dict[str, str]]]:
    told: list[dict[str, object]] = []
    for kind in _KINDS:
        for number in range(1, readers + 1):
            told.append(_event(kind, number))
            if len(told) == EACH:
                body = json.dumps(told).encode()
                stamp = str(int(time.time()))
                signature = private.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
                yield (
                    body,
                    {
                        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(
                            signature
                        ).decode(),
                        "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
                    },
                )
                told = []


def _event(kind: str, number: int) -> dict[str, object]:
    if kind == "delivered" and number % 100 == 0:
        kind = "bounce"
    by_kind: dict[str, dict[str, object]] = {
        "delivered": {"response": "250 2.0.0 OK 1751900000 mail", "tls": 1},
        "open": {"useragent": "Mozilla/5.0", "sg_machine_open": number % 3 == 0},
        "click": {"useragent": "Mozilla/5.0", "url": f"https://www.example.com/{number % 15}"},
        "bounce": {"reason": "550 5.1.1 unknown", "status": "5.1.1", "type": "bounce"},
    }
    now = int(time.time())
    id_ = base64.urlsafe_b64encode(f"{kind}-0-10994919-{number:022}".encode()).decode()
    return {
        "email": delivering.address(number),
        "timestamp": now + (_KINDS.index(kind) if kind in _KINDS else 0),
        "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
        "event": kind,
        "category": ["bench", "2025-07-07"],
        "sg_event_id": id_.rstrip("="),
        "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
        "nb_newsletter": "bench",
        "nb_issue": "2025-07-07",
        "nb_send": "1",
        "nb_batch": str(1 + (number - 1) // 1000),
        "nb_delivery": str(number),
        **by_kind.get(kind, {}),
    }


@contextmanager
def _served(folder: Path, private: ec.EllipticCurvePrivateKey) -> Iterator[tuple[str, int]]:
    public = private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    keys = {
        "SENDGRID_API_KEY": delivering.KEY,
        "SENDGRID_EVENT_PUBLIC_KEY": base64.b64encode(public).decode(),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "newsletter.cli", "-C", str(folder), "serve", "--port", str(port)],
        env={**os.environ, **keys},
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}/events/sendgrid"
    try:
        while True:
            try:
                httpx.get(url)
            except httpx.HTTPError:
                time.sleep(0.05)
            else:
                break
        yield url, process.pid
    finally:
        process.terminate()
        process.wait()


def _post(url: str, requests: list[tuple[bytes, dict[str, str]]]) -> None:
    waiting, faults = iter(requests), []
    lock = threading.Lock()

    def send() -> None:
        with httpx.Client(trust_env=False, timeout=60) as client:
            while True:
                with lock:
                    following = next(waiting, None)
                if following is None:
                    return
                body, headers = following
                if (status := client.post(url, content=body, headers=headers).status_code) != 200:
                    faults.append(status)

    senders = [threading.Thread(target=send) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    if faults:
        raise SystemExit(f"requests were answered with {faults}")


def _peak(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def _stored(folder: Path) -> int:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(folder / "newsletter.db")) as database:
        found: int = database.execute("select count(*) from events").fetchone()[0]
    return found


if __name__ == "__main__":
    found = measure(int(sys.argv[1]) if sys.argv[1:] else READERS)
    print(f"{found.rate:,.0f} events a second; {found.early / 1e6:.0f}, {found.late / 1e6:.0f} MB")
