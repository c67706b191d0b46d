"""A small IMAP server on loopback: one mailbox that keeps its flags, over plain sockets."""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

PASSWORD = "a password for tests"


@dataclass
class Mailbox:
    mails: list[bytes]
    port: int = 0
    seen: set[int] = field(default_factory=set)  # uids, from 101 on
    refuses: str = "nothing"  # the command that it says no to
    breaks_at: int | None = None  # the connection ends when that mail is asked for


@contextmanager
def imap_server(  # noqa: C901 - one answer for each command
    mails: list[bytes],
) -> Iterator[Mailbox]:
    box = Mailbox(mails)

    class Talk(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"* OK ready\r\n")
            for line in self.rfile:
                tag, _, rest = line.decode().rstrip("\r\n").partition(" ")
                if rest.startswith(box.refuses):
                    self.wfile.write(f"{tag} NO not today\r\n".encode())
                elif not self._answer(tag, rest):
                    return

        def _answer(self, tag: str, rest: str) -> bool:
            say = self.wfile.write
            if rest.startswith("CAPABILITY"):
                say(b"* CAPABILITY IMAP4rev1\r\n")
            elif rest.startswith("LOGIN"):
                if f'"{PASSWORD}"' not in rest:
                    say(f"{tag} NO [AUTHENTICATIONFAILED] wrong password\r\n".encode())
                    return True
            elif rest.startswith("SELECT"):
                if rest.partition(" ")[2] not in {'"INBOX"', '"&wYzC3Q- &- b"'}:
                    say(f"{tag} NO no such mailbox\r\n".encode())
                    return True
                say(f"* {len(box.mails)} EXISTS\r\n".encode())
            elif rest.startswith("UID SEARCH UNSEEN"):
                uids = [n + 101 for n in range(len(box.mails)) if n + 101 not in box.seen]
                say(f"* SEARCH {' '.join(map(str, uids))}\r\n".encode())
            elif match := re.match(r"UID FETCH (\d+) \((.*)\)", rest):
                return self._fetch(tag, int(match[1]), match[2])
            elif match := re.match(r"UID STORE (\d+) \+FLAGS", rest):
                box.seen.add(int(match[1]))
            elif rest.startswith("LOGOUT"):
                say(b"* BYE\r\n")
            say(f"{tag} OK done\r\n".encode())
            return not rest.startswith("LOGOUT")

        def _fetch(self, tag: str, uid: int, what: str) -> bool:
            mail = box.mails[uid - 101]
            if box.breaks_at == uid:
                return False
            head = f"* {uid - 100} FETCH (UID {uid} "
            assert what.startswith("BODY.PEEK[]<0."), "looking must leave a mail unseen"
            self.wfile.write(f"{head}BODY[]<0> {{{len(mail)}}}\r\n".encode() + mail + b")\r\n")
            self.wfile.write(f"{tag} OK done\r\n".encode())
            return True

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Talk) as server:
        box.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield box
        server.shutdown()
