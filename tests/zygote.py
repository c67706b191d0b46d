"""The command line as a process, forked from one in which everything is imported already.

A test run starts the program a thousand times; what a new interpreter would import and compile
each time is most of that. Each run is a process of its own all the same: its folder, files,
signals and environment are real, and it ends as an interpreter does, with its threads awaited and
its streams flushed. What only a new interpreter shows is tried in ``e2e/test_processes.py``.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

ROOT = Path(__file__).parents[1]
LARGEST = 1 << 18  # bytes of a request: arguments and environment
AT_START = ("PYTHON", "LC_", "LANG", "TZ")  # what an interpreter reads once, as it starts


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
    for name in {*environment, *os.environ}:
        if name.startswith(AT_START) and environment.get(name) != os.environ.get(name):
            raise ValueError(f"{name} comes too late for a fork: start a new interpreter.")
    parent = _parent()
    request = [list(arguments), dict(environment), str(Path.cwd())]
    socket.send_fds(parent, [json.dumps(request).encode()], files)
    child = int(parent.recv(100))
    parent.settimeout(timeout)
    try:
        return int(parent.recv(100))
    except TimeoutError:
        os.kill(child, signal.SIGKILL)
        parent.recv(100)
        raise subprocess.TimeoutExpired(list(arguments), timeout) from None
    finally:
        parent.settimeout(None)


@cache
def _parent() -> socket.socket:
    """The way to the process that forks, started at first use; it ends with this one."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.zygote", str(theirs.fileno())],
        cwd=ROOT,
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # no terminal: its streams are those of the forks
    )
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait(10)

    atexit.register(end)
    return ours


def _forked(requests: socket.socket) -> bool:
    """Fork for each request; answer with the child's number, then with its exit status.

    True in a child, which has become what was asked for; False when nobody asks any more.
    """
    while True:
        message, files, _, _ = socket.recv_fds(requests, LARGEST, 3)
        if not message:
            return False
        if (child := os.fork()) == 0:
            requests.close()
            _become(*json.loads(message), files)
            return True
        for file in files:
            os.close(file)
        requests.send(str(child).encode())
        _, status = os.waitpid(child, 0)
        requests.send(str(os.waitstatus_to_exitcode(status)).encode())


def _become(
    arguments: list[str], environment: dict[str, str], folder: str, files: list[int]
) -> None:
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None  # it was looked up in another environment
    sys.argv = ["newsletter", *arguments]
    sys.modules["__main__"].__package__ = None  # by which the program would be named otherwise


def _prepare() -> None:
    """Import all of the program, and what it imports only when it needs it; compile the look."""
    import newsletter
    from newsletter import check, render
    from newsletter.app import open_desk
    from tests.kinds import GOOD

    for module in walk_packages(newsletter.__path__, "newsletter."):
        if ".migrations" not in module.name and not module.name.endswith("__main__"):
            import_module(module.name)
    for name in ("alembic.command", "feedparser", "sqlalchemy.dialects.sqlite.pysqlite"):
        import_module(name)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "newsletter.toml").write_bytes((ROOT / "newsletter.toml").read_bytes())
        settings = open_desk(Path(folder)).config
        check.run(check.Mail(GOOD, render.render(GOOD, settings), settings))
    gc.freeze()


def _status() -> int:
    """Run the command line; the status with which an interpreter would end."""
    from newsletter import cli

    try:
        cli.main()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except Exception:  # noqa: BLE001 - as an interpreter says it
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
        return 1
    return 0


def _end(status: int) -> None:
    """As an interpreter ends, but for taking down all modules, which takes longer than a run."""
    threading._shutdown()  # type: ignore[attr-defined] # awaits the threads
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            status = 120
    os._exit(status)


if __name__ == "__main__":
    _prepare()
    if _forked(socket.socket(fileno=int(sys.argv[1]))):
        _end(_status())
