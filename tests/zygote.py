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
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import IO, Any, TextIO

from tests.forked import Forked
from tests.patient import PATIENCE

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
        process = start(arguments, environment, stdin=given, stdout=said, stderr=noted)
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        said.seek(0)
        noted.seek(0)
        return subprocess.CompletedProcess(list(arguments), status, said.read(), noted.read())


def start(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    program: str = "newsletter.cli",
    stdin: IO[str] | int = subprocess.DEVNULL,
    stdout: IO[str] | int = subprocess.PIPE,
    stderr: IO[str] | int = subprocess.PIPE,
) -> Forked:
    """Start a program, a module with a ``main``; its streams are given as ``Popen`` takes them."""
    for name in {*environment, *os.environ}:
        if name.startswith(AT_START) and environment.get(name) != os.environ.get(name):
            raise ValueError(f"{name} comes too late for a fork: start a new interpreter.")
    request = [program, list(arguments), dict(environment), str(Path.cwd())]
    answers, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ExitStack() as sent:
        sent.callback(theirs.close)
        streams = [_stream(given, out, sent) for out, given in enumerate((stdin, stdout, stderr))]
        files = [*(theirs_too for theirs_too, _ in streams), theirs.fileno()]
        socket.send_fds(_parent(), [json.dumps(request).encode()], files)
    return Forked(list(arguments), int(answers.recv(100)), answers, *(ours for _, ours in streams))


def _stream(given: IO[str] | int, out: int, sent: ExitStack) -> tuple[int, TextIO | None]:
    """What the program gets for it, which ``sent`` closes; and for a pipe our end."""
    if not isinstance(given, int):
        return given.fileno(), None
    if given == subprocess.PIPE:
        read, write = os.pipe()
        theirs, ours = (
            (write, os.fdopen(read, encoding="utf-8"))
            if out
            else (read, os.fdopen(write, "w", encoding="utf-8"))
        )
    else:
        theirs, ours = os.open(os.devnull, os.O_RDWR), None
    sent.callback(os.close, theirs)
    return theirs, ours


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
        process.wait(PATIENCE)

    atexit.register(end)
    return ours


def _forked(requests: socket.socket) -> str | None:
    """Fork for each request; tell who asked the child's number, and its exit status once it ends.

    The program to run, in a child, which has become what was asked for; None when nobody asks
    any more.
    """
    children: dict[int, socket.socket] = {}
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready, _, _ = select.select([requests, ended], [], [])
        if ended in ready:
            os.read(ended, 1000)
            _tell(children)
        if requests not in ready:
            continue
        message, files, _, _ = socket.recv_fds(requests, LARGEST, 4)
        if not message:
            return None
        asker = socket.socket(fileno=files.pop())
        if (child := os.fork()) == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for each in (requests, asker, *children.values()):
                each.close()
            os.close(ended)
            os.close(wake)
            program, *rest = json.loads(message)
            _become(*rest, files)
            return str(program)
        for file in files:
            os.close(file)
        asker.send(str(child).encode())
        children[child] = asker


def _tell(children: dict[int, socket.socket]) -> None:
    """Tell of all who have ended."""
    for child in list(children):
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            with children.pop(child) as asker, suppress(OSError):  # who may be gone
                asker.send(str(os.waitstatus_to_exitcode(status)).encode())


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
    """Import all of the program, and what it imports only when it needs it.

    Also do once what each run would do alike: read the commands, compile the look and the tables.
    """
    import typer

    import newsletter
    from newsletter import check, render
    from newsletter.app import open_desk
    from newsletter.app.clock.status import overview
    from newsletter.http.certificates import ssl_context
    from tests.sample_issues import GOOD

    for module in walk_packages(newsletter.__path__, "newsletter."):
        if ".migrations" not in module.name and not module.name.endswith("__main__"):
            import_module(module.name)
    late = ("alembic.command", "feedparser", "typer.rich_utils", "xml.sax.expatreader")
    for name in (*late, "sqlalchemy.dialects.sqlite.pysqlite"):
        import_module(name)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "newsletter.toml").write_bytes((ROOT / "newsletter.toml").read_bytes())
        desk = open_desk(Path(folder))
        check.run(check.Mail(GOOD, render.render(GOOD, desk.config), desk.config))
        overview(desk)
        desk.close()
    ssl_context()
    typer.main.get_command = cache(typer.main.get_command)
    _prepare_command(typer.main.get_command(newsletter.cli.app))
    gc.freeze()


def _prepare_command(command: Any) -> None:
    """Build what reads the arguments, which takes longer than many a command."""
    for parameter in command.params:
        parameter.get_runtime_param()
    for inner in getattr(command, "commands", {}).values():
        _prepare_command(inner)


def _status(program: str) -> int:
    """Run it; the status with which an interpreter would end."""
    try:
        import_module(program).main()
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
    if program := _forked(socket.socket(fileno=int(sys.argv[1]))):
        _end(_status(program))
