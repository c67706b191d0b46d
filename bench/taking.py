"""A SendGrid-shaped server for measurements, in processes of its own."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

import orjson

SERVERS = 6  # processes that take requests: more than there are connections at once


@contextlib.contextmanager
def server(certificate: Path | None = None) -> Iterator[str]:
    """A SendGrid-shaped server in a process of its own; it must have got every reader once.

    ``certificate``: a file with its key and its chain, for TLS.
    """
    secured = [str(certificate)] if certificate else []
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.taking", *secured],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.wait()


def certify(folder: Path) -> tuple[Path, Path]:
    """A certificate of our own for the server; and the authorities to trust: the usual ones, as
    reading those takes its time, and ours.
    """
    import certifi
    import trustme

    ours = trustme.CA()
    certificate, authorities = folder / "server.pem", folder / "authorities.pem"
    ours.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
    authorities.write_bytes(Path(certifi.where()).read_bytes() + ours.cert_pem.bytes())
    return certificate, authorities


def serve(certificate: str | None) -> None:
    """Take requests as SendGrid does: read, parse, count the readers, answer 202.

    Several processes, as no server of theirs lets one client wait for another.
    """
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    tls = None
    if certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
    counted = multiprocessing.get_context("fork").Value("q", 0)
    context = multiprocessing.get_context("fork")
    for _ in range(SERVERS):
        context.Process(target=_take_all, args=(listener, counted, tls), daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # and the others with it
    print(f"{'https' if tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    signal.pause()


def _take_all(
    listener: socket.socket, counted: Synchronized[int], tls: ssl.SSLContext | None
) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            if tls:
                connection = tls.wrap_socket(connection, server_side=True)
            _talk(connection, counted)
        connection.close()


_TAKEN = b"HTTP/1.1 202 Accepted\r\nX-Message-Id: m\r\nContent-Length: 0\r\n\r\n"


def _talk(connection: socket.socket, counted: Synchronized[int]) -> None:
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
    serve(sys.argv[1] if len(sys.argv) > 1 else None)
