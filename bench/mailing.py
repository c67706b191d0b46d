"""Mails over SMTP: our delivery, every reader recorded, against a bare loop of ready-made mails.

Both talk over loopback to the same server, which is a process of its own, takes everything and
keeps nothing. The bare loop is smtplib's ``sendmail`` over one connection.
"""

from __future__ import annotations

import multiprocessing
import shutil
import smtplib
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from newsletter.app import Desk

ROOT = Path(__file__).parents[1]
ISSUE = "2025-07-07"
READERS = 2000
RUNS = 5
SHARE = 0.5  # of the bare loop's rate, at least

_PLACE = 'type = "outbox"'


class Rates(NamedTuple):
    """Mails a second, medians; ``share`` is the median of what ours was of the bare loop's."""

    bare: float
    ours: float
    share: float


def measure() -> Rates:
    """Both by turns, so that whatever else the machine does falls upon both."""
    bare, ours = [], []
    with _server() as port:
        for _ in range(RUNS):
            with tempfile.TemporaryDirectory() as name:
                desk = _desk(Path(name), port)
                bare.append(READERS / _bare(port, _mails(desk)))
                ours.append(READERS / _ours(desk))
    shares = [mine / least for mine, least in zip(ours, bare, strict=True)]
    return Rates(*map(statistics.median, (bare, ours, shares)))


def _desk(folder: Path, port: int) -> Desk:
    """The example newsletter with the sample issue and so many readers."""
    from newsletter.app import open_desk
    from newsletter.app.readers.lists import import_file

    for part in ("sample", "issues"):
        shutil.copytree(ROOT / part, folder / part)
    server = f'type = "smtp"\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"'
    config = (ROOT / "newsletter.toml").read_text(encoding="utf-8").replace(_PLACE, server)
    config = config.replace('approval = "required"', 'approval = "automatic"')
    (folder / "newsletter.toml").write_text(config, encoding="utf-8")
    people = folder / "readers.csv"
    lines = (f"reader{n}@example.com,Reader {n}\n" for n in range(READERS))
    people.write_text("email,name\n" + "".join(lines), encoding="utf-8")
    desk = open_desk(folder)
    import_file(desk, people, skip_bad_lines=False)
    return desk


def _mails(desk: Desk) -> list[tuple[str, bytes]]:
    """Address and ready-made mail of every reader."""
    from newsletter import message
    from newsletter.app.issue import build
    from newsletter.issues import parse_name
    from newsletter.links import tokens
    from newsletter.model import Recipient, Send

    rendered = build.compose(desk, parse_name(ISSUE)).rendered
    newsletter = desk.config.newsletter
    send = Send(
        parse_name(ISSUE),
        newsletter.name,
        newsletter.list,
        rendered.subject,
        rendered.html,
        rendered.text,
        rendered.hash,
        newsletter.sender,
        newsletter.reply_to,
    )

    def mail(number: int) -> tuple[str, bytes]:
        name, email = f"Reader {number}", f"reader{number}@example.com"
        link = f"{newsletter.base_url}/unsubscribe/k1-{number}-1-" + "t" * 24
        filling = tokens.values(f"Dear {name},", link, link.replace("unsubscribe", "preferences"))
        reader = Recipient(number, email, name, link, filling)
        return email, message.mail(send, reader, datetime.now(UTC))

    return [mail(number) for number in range(READERS)]


def _bare(port: int, mails: list[tuple[str, bytes]]) -> float:
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as client:
        client.ehlo()
        start = time.perf_counter()
        for address, mail in mails:
            client.sendmail("briefing@example.com", address, mail)
        return time.perf_counter() - start


def _ours(desk: Desk) -> float:
    from newsletter.app.send import plan
    from newsletter.app.send import send as sending
    from newsletter.issues import parse_name

    planned = plan.plan(desk, parse_name(ISSUE))
    start = time.perf_counter()
    receipt = sending.send(desk, planned)
    took = time.perf_counter() - start
    if receipt.accepted != READERS or receipt.eligible != READERS:
        raise RuntimeError(f"{receipt.accepted} of {receipt.eligible} readers were recorded")
    desk.provider.close()  # type: ignore[attr-defined]
    desk.close()
    return took


@contextmanager
def _server() -> Iterator[int]:
    """A port of loopback on which a process of its own takes mails."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,))
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def _serve(pipe: Connection) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        pipe.send(listener.getsockname()[1])
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_take, args=(client,), daemon=True).start()


def _take(client: socket.socket) -> None:
    """One connection: answers every group of commands at once, and drops every mail."""
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client.sendall(b"220 ready\r\n")
    waiting, in_mail = b"", False
    with client:
        while piece := client.recv(1 << 20):
            waiting += piece
            answers = []
            while True:
                end = b"\r\n.\r\n" if in_mail else b"\r\n"
                line, found, rest = waiting.partition(end)
                if not found:
                    break
                waiting = rest
                in_mail = not in_mail and line[:4].upper() == b"DATA"
                answers.append(_answer(line, end))
            if in_mail and len(waiting) > 4:
                waiting = waiting[-4:]  # enough to find the end
            if answers:
                client.sendall(b"".join(answers))


def _answer(line: bytes, end: bytes) -> bytes:
    if len(end) > 2:
        return b"250 taken\r\n"
    known = {
        b"EHLO": b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
        b"DATA": b"354 go on\r\n",
        b"QUIT": b"221 bye\r\n",
    }
    return known.get(line[:4].upper(), b"250 ok\r\n")
