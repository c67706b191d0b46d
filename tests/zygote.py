"""The command line as a process, forked from one in which everything is imported already.

A test run starts the program a thousand times; what a new interpreter would import each time is
most of that. Each run is a process of its own all the same: its exit status, its signals, its
files and its environment are real.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NoReturn

LARGEST = 1 << 18  # bytes of a request: arguments and environment


def run(
    arguments: Sequence[str], environment: Mapping[str, str], typed: str | None, timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run ``newsletter`` with these arguments, and wait for its end."""
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as said,
        tempfile.TemporaryFile("w+", encoding="utf-8") as noted,
        tempfile.TemporaryFile("w+", encoding="utf-8") as given,
    ):
        given.write(typed or "")
        given.seek(0)
        status = _ask(arguments, environment, [f.fileno() for f in (given, said, noted)], timeout)
        said.seek(0)
        noted.seek(0)
        return subprocess.CompletedProcess(list(arguments), status, said.read(), noted.read())


def _ask(
    arguments: Sequence[str], environment: Mapping[str, str], files: list[int], timeout: float
) -> int:
    parent, _ = _parent()
    request = {"arguments": list(arguments), "environment": dict(environment)}
    parent.settimeout(timeout)
    socket.send_fds(parent, [json.dumps(request).encode()], files)
    child = int(parent.recv(100))
    try:
        return int(parent.recv(100))
    except TimeoutError:
        os.kill(child, 9)
        parent.recv(100)
        raise subprocess.TimeoutExpired(list(arguments), timeout) from None


@cache
def _parent() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """The process that forks, started at first use; it ends with this one."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.zygote", str(theirs.fileno())], pass_fds=[theirs.fileno()]
    )
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait(10)

    atexit.register(end)
    return ours, process


def _serve(requests: socket.socket) -> None:
    """Fork for each request; answer with the child's number, then with its exit status."""
    while True:
        message, files, _, _ = socket.recv_fds(requests, LARGEST, 3)
        if not message:
            return
        asked = json.loads(message)
        if (child := os.fork()) == 0:
            requests.close()
            _become(asked["arguments"], asked["environment"], files)
        for file in files:
            os.close(file)
        requests.send(str(child).encode())
        _, status = os.waitpid(child, 0)
        requests.send(str(os.waitstatus_to_exitcode(status)).encode())


def _become(arguments: list[str], environment: dict[str, str], files: list[int]) -> NoReturn:
    from newsletter import cli

    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["newsletter", *arguments]
    status: object = 0
    try:
        cli.main()
    except SystemExit as end:
        status = end.code
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    _save_coverage()
    os._exit(status if isinstance(status, int) else int(status is not None))


def _save_coverage() -> None:
    with contextlib.suppress(ImportError):
        import coverage

        if (measured := coverage.Coverage.current()) is not None:
            measured.stop()
            measured.save()


def _import_everything() -> None:
    from importlib import import_module

    for module in (
        *("app.editing", "app.example", "app.freshness", "app.gathering", "app.overview"),
        *("app.people", "app.receipts", "app.sending", "app.sourcing", "app.stopping"),
        *("app.testing", "app.ticking", "providers.smtp", "providers.sendgrid"),
        *("providers._sendgrid_client", "sources.feed", "sources.folder", "store.database"),
    ):
        import_module(f"newsletter.{module}")


if __name__ == "__main__":
    _import_everything()
    _serve(socket.socket(fileno=int(sys.argv[1])))
