"""A provider that fails on purpose, for rehearsals. Nothing leaves this machine.

It writes the mails that it accepts to files. They survive a killed program, so a rehearsal can
count who would have got the mail. The same seed breaks the same requests in the same way.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import Field

from newsletter import message
from newsletter.config import ProviderOptions
from newsletter.model import Answer, Outcome, Recall, Recipient, Send

TAKEN, DROPPED, OPENED = "taken.jsonl", "dropped.txt", "opened.txt"


class FaultyProvider:
    """Takes mails into a mailbox of its own. Some requests fail as they do at bad providers."""

    class Options(ProviderOptions):
        """The keys of ``[provider]`` with ``type = "faulty"``."""

        path: str = "mailbox"  # a folder, relative to newsletter.toml
        seed: int = 1
        faults: float = Field(0.25, ge=0, le=1)  # the share of requests that fail
        seconds: float = Field(0.02, ge=0, le=10)  # a request takes this long at most
        workers: int = Field(1, ge=1, le=16)  # requests at once

    recall_margin = timedelta(minutes=10)
    most_recalls = 10
    processes: int | None = 1  # the rehearsal kills and restarts a single process

    def __init__(self, options: Options, folder: Path) -> None:
        self.batch_size = options.batch_size or 50
        self.workers = options.workers
        self._options = options
        self._mailbox = folder / options.path

    def submit(self, send: Send, batch: Sequence[Recipient]) -> Outcome:
        """Take the batch, or fail in a way that the number of the batch decides.

        A disk error, or a fault that every mail has, pauses the send.
        """
        try:
            message.check(send)
            return self._answer(send, batch)
        except (ValueError, OSError) as error:
            reason = f"Nothing can be taken: {error}. Fix it, then send again."
            return Outcome.all(batch, Answer.NOT_SENT, reason, pause=reason)

    def _answer(self, send: Send, batch: Sequence[Recipient]) -> Outcome:
        chance = random.Random(f"{self._options.seed}:{send.id}:{send.batch}")  # noqa: S311
        time.sleep(chance.uniform(0, self._options.seconds))
        if chance.random() >= self._options.faults:
            return self._take(send, batch)
        return chance.choice(_FAULTS)(self, send, batch)

    def open_batch(self, batch: Sequence[Recipient]) -> str | Outcome | None:  # noqa: ARG002
        """A new id. It is the size of the file in which it is written."""
        return f"recall-{self._append(OPENED, 'opened')}"

    def recall(self, recall_id: str) -> Recall:
        """Drop the mails with that id, now or later. The first answer to every third id is lost."""
        dropped = set(_lines(self._mailbox / DROPPED))
        is_new = recall_id not in dropped
        if is_new and len(dropped) >= self.most_recalls:
            return Recall(False, "at most ten batches can be recalled at once")
        self._append(DROPPED, recall_id)
        no_answer = is_new and int(recall_id.rpartition("-")[2]) % 3 == 0
        return Recall(not no_answer, "the answer was lost", again=no_answer)

    def _take(self, send: Send, batch: Sequence[Recipient]) -> Outcome:
        mails, answers, reasons = {}, {}, {}
        for recipient in batch:
            delivery = recipient.delivery
            try:
                mail = message.mail(send, recipient, datetime.now(UTC))
            except ValueError as error:
                answers[delivery], reasons[delivery] = Answer.REJECTED, str(error)
            else:
                answers[delivery] = Answer.ACCEPTED
                mails[recipient.email] = mail.decode()
        self._append(TAKEN, json.dumps({"recall_id": send.recall_id, "mails": mails}))
        return Outcome(answers, reasons)

    def _append(self, name: str, line: str) -> int:
        """Append a line to a file and return the file's size.

        The line break before it separates it from a line that a killed program left unfinished.
        """
        self._mailbox.mkdir(parents=True, exist_ok=True)
        file = os.open(self._mailbox / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(file, f"\n{line}\n".encode())
            return os.lseek(file, 0, os.SEEK_CUR)
        finally:
            os.close(file)

    def _taken_then_silent(self, send: Send, batch: Sequence[Recipient]) -> Outcome:
        self._take(send, batch)
        return Outcome.all(batch, Answer.UNKNOWN, "no answer came in time")

    def _taken_then_broken(self, send: Send, batch: Sequence[Recipient]) -> Outcome:
        self._take(send, batch)
        return Outcome.all(batch, Answer.UNKNOWN, "the service answered 503")

    def _reset(self, _send: Send, batch: Sequence[Recipient]) -> Outcome:
        return Outcome.all(batch, Answer.UNKNOWN, "the connection was reset in mid-request")

    def _busy(self, _send: Send, batch: Sequence[Recipient]) -> Outcome:
        reason = "the service answered 429"
        return Outcome.all(batch, Answer.NOT_SENT, reason, retry_after=0.2, throttled=True)

    def _away(self, _send: Send, batch: Sequence[Recipient]) -> Outcome:
        return Outcome.all(batch, Answer.NOT_SENT, "the connection was refused", retry_after=0.1)

    def _bad_address(self, _send: Send, batch: Sequence[Recipient]) -> Outcome:
        outcome = Outcome.all(batch, Answer.NOT_SENT, "it can go with the next request")
        return outcome.rejecting({batch[0].delivery: "the address does not exist"})

    def _too_large(self, send: Send, batch: Sequence[Recipient]) -> Outcome:
        if len(batch) == 1:
            return self._take(send, batch)
        return Outcome.all(batch, Answer.NOT_SENT, "the request is too large", split=True)


def mailbox(folder: Path) -> Counter[str]:
    """How many mails each address would have got."""
    return Counter(address for address, _ in mails(folder))


def mails(folder: Path) -> Iterator[tuple[str, bytes]]:
    """The address and the bytes of every mail that was taken and not dropped, in order."""
    dropped = set(_lines(folder / DROPPED))
    for line in _lines(folder / TAKEN):
        try:
            entry = json.loads(line)
        except ValueError:  # a killed program left the line unfinished: nothing was taken
            continue
        if entry["recall_id"] not in dropped:
            for address, mail in entry["mails"].items():
                yield address, mail.encode()


def _lines(path: Path) -> list[str]:
    if not path.exists():
        return []
    return [line for line in path.read_text(encoding="utf-8").split("\n") if line]


_Fault = Callable[[FaultyProvider, Send, Sequence[Recipient]], Outcome]
_FAULTS: tuple[_Fault, ...] = (
    FaultyProvider._taken_then_silent,
    FaultyProvider._taken_then_broken,
    FaultyProvider._reset,
    FaultyProvider._busy,
    FaultyProvider._away,
    FaultyProvider._bad_address,
    FaultyProvider._too_large,
)
