"""A rehearsal: a send to made-up readers through a provider that breaks, with kill -9.

Nothing of the newsroom's is used or touched, and nothing leaves this machine. Several processes
send at once; each is killed at random moments and at every named checkpoint, or frozen until its
lease is over and woken again. In the end every reader is counted.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path

from newsletter import deliver
from newsletter.app.desk import Desk, open_desk
from newsletter.app.send import delivery, receipts
from newsletter.config import FILE
from newsletter.deliver.job import CHECKPOINTS
from newsletter.errors import NewsletterError
from newsletter.model import Doubt, IssueName, Receipt, Rendered
from newsletter.providers import faulty
from newsletter.store import sends
from newsletter.store.sends import SendState
from newsletter.store.subscribers import People
from newsletter.store.subscription_status import ACTIVE

ISSUE = IssueName(date(2025, 7, 7))
LEASE = timedelta(seconds=1.0)
AHEAD = timedelta(hours=2)
FROZEN = 0.15  # of those that are struck: they are not killed but frozen
PATIENCE = 60.0  # seconds without any killing in which the send must come to its end

_CONFIG = """\
[newsletter]
name = "Rehearsal"
from = "Rehearsal <rehearsal@example.com>"
address = "1 Example Street, Los Angeles, CA 90001"
base_url = "https://rehearsal.example.com"
[[sources]]
type = "folder"
path = "."
[provider]
type = "faulty"
seed = {seed}
batch_size = {batch_size}
faults = {faults}
seconds = {seconds}
[delivery]
doubt = "{doubt}"
[database]
url = "{database}"
"""


@dataclass(frozen=True)
class RehearsalPlan:
    """What is rehearsed. ``faults``: the share of requests that break."""

    readers: int = 1_000
    kills: int = 10
    processes: int = 3
    doubt: Doubt = Doubt.RECALL
    seed: int = 1
    batch_size: int = 50
    faults: float = 0.25
    seconds: float = 0.02  # that a request takes at most
    database: str = "sqlite:///newsletter.db"
    points: tuple[str, ...] = CHECKPOINTS  # where processes die by themselves
    strikes: bool = True  # at any moment, too; else every process dies at its first such point


@dataclass(frozen=True)
class RehearsalResult:
    """How a rehearsal ended. ``twice``, ``missing``: addresses that the ledger is wrong about."""

    plan: RehearsalPlan
    receipt: Receipt
    kills: Counter[str] = field(default_factory=Counter)  # by where they struck
    twice: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Nobody twice (but where the newsroom wants that), nobody missed, and nobody waits."""
        twice = self.twice and self.plan.doubt is not Doubt.RESEND
        return not (twice or self.missing or self.receipt.waiting)


def rehearse(
    folder: Path, plan: RehearsalPlan, say: Callable[[str], None] = lambda _: None
) -> RehearsalResult:
    """Run it in an empty folder. Raises NewsletterError if the send does not end."""
    _lay_out(folder, plan)
    say(f"{plan.readers:,} made-up readers wait, {plan.batch_size} in a request.")
    kills = _run(folder, plan, say)
    return _judge(folder, plan, kills)


def _lay_out(folder: Path, plan: RehearsalPlan) -> None:
    text = _CONFIG.format(**vars(plan))
    (folder / FILE).write_text(text, encoding="utf-8")
    mail = Rendered("Rehearsal", "", "<p>A rehearsal.</p>", "A rehearsal.", "0" * 64, {})
    with _desk(folder) as desk:
        now = desk.clock()
        with desk.writing() as connection:
            people = People(connection, desk.config.newsletter.list)
            for number in range(1, plan.readers + 1):
                people.add(f"reader{number}@example.com", "", ACTIVE, now, revive=False)
            sends.freeze(
                connection,
                mail,
                newsletter=desk.name,
                issue=ISSUE,
                list_name=desk.config.newsletter.list,
                sender=desk.config.newsletter.sender,
                reply_to=None,
                articles=[],
                provider="faulty",
                batch_size=plan.batch_size,
                send_at=now + AHEAD if plan.doubt is Doubt.RECALL else None,
                now=now,
            )


def _run(folder: Path, plan: RehearsalPlan, say: Callable[[str], None]) -> Counter[str]:
    """Keep the processes at it until the send is over; where they were killed."""
    chance = random.Random(plan.seed)  # noqa: S311
    crew = _Crew(folder, plan, chance)
    deadline = time.monotonic() + PATIENCE
    said = 0
    try:
        while not _over(folder):
            if time.monotonic() > deadline:
                raise NewsletterError(
                    f"The rehearsal in {folder} does not come to its end; run it again with the "
                    f"same seed ({plan.seed}), and report what it says."
                )
            killing = crew.kills.total() < plan.kills
            crew.fill(plan.processes, killing)
            time.sleep(chance.expovariate(8))
            if killing and plan.strikes:
                crew.strike()
            if killing:
                deadline = time.monotonic() + PATIENCE
            if crew.kills.total() > said:
                said = crew.kills.total()
                say(f"Killed so far: {said}.")
    finally:
        crew.end()
    return crew.kills


class _Crew:
    """The processes that send; ``kills`` counts how they were stopped."""

    def __init__(self, folder: Path, plan: RehearsalPlan, chance: random.Random) -> None:
        self.kills: Counter[str] = Counter()
        self._folder = folder
        self._run = plan
        self._chance = chance
        self._forks = multiprocessing.get_context("fork")
        self._at: dict[BaseProcess, str] = {}  # the checkpoint at which it is to die

    def fill(self, processes: int, killing: bool) -> None:
        """Start as many as are missing; every second one dies by itself at some checkpoint."""
        self._bury()
        while len(self._at) < processes:
            dying = killing and (self._chance.random() < 0.5 or not self._run.strikes)
            point = self._chance.choice(self._run.points) if dying else ""
            times = self._chance.randint(1, 3) if self._run.strikes else 1
            process = self._forks.Process(target=_send, args=(self._folder, point, times))
            process.start()
            self._at[process] = point

    def strike(self) -> None:
        """Kill one at this moment, or freeze it beyond its lease and wake it as a zombie."""
        victim = self._chance.choice(list(self._at))
        if victim.pid is None or not victim.is_alive():
            return
        if self._chance.random() < FROZEN:
            os.kill(victim.pid, signal.SIGSTOP)
            time.sleep(LEASE.total_seconds() * 1.3)
            os.kill(victim.pid, signal.SIGCONT)
            self.kills["frozen and woken"] += 1
            return
        del self._at[victim]
        victim.kill()
        victim.join()
        self.kills["random moment"] += 1

    def _bury(self) -> None:
        for each, point in list(self._at.items()):
            if not each.is_alive():
                if each.exitcode == -signal.SIGKILL:
                    self.kills[point] += 1
                del self._at[each]

    def end(self) -> None:
        """Nobody is left behind."""
        self._bury()
        for each in self._at:
            each.kill()
            each.join()


def _send(folder: Path, point: str, times: int) -> None:
    """What a process does; at the named checkpoint, passed so many times, it dies."""
    passed: Counter[str] = Counter()

    def checkpoint(name: str) -> None:
        passed[name] += 1
        if name == point and passed[name] == times:
            os.kill(os.getpid(), signal.SIGKILL)

    with _desk(folder) as desk, contextlib.suppress(NewsletterError):
        frozen = desk.require_sent(ISSUE)
        observer = delivery.SendObserver(checkpoint=checkpoint)
        deliver.run(delivery.job(desk, frozen, observer, lease=LEASE))


def _over(folder: Path) -> bool:
    with _desk(folder) as desk:
        return desk.require_sent(ISSUE).state is SendState.DONE


def _judge(folder: Path, plan: RehearsalPlan, kills: Counter[str]) -> RehearsalResult:
    """Count every reader's mails, and hold them against the receipt."""
    got = faulty.mailbox(folder / "mailbox")
    with _desk(folder) as desk:
        found = receipts.receipt(desk, ISSUE)
        with receipts.addresses(desk, ISSUE, "accepted") as rows:
            accepted = {address for address, _ in rows}
        with receipts.addresses(desk, ISSUE, "rejected") as rows:
            refused = {address for address, _ in rows}
    twice = [address for address, mails in got.items() if mails > 1]
    wrong = accepted - got.keys()
    if (
        plan.doubt is not Doubt.RESEND
    ):  # there the second copy may be refused, and the first is there
        wrong |= refused & got.keys()
    return RehearsalResult(plan, found, kills, tuple(sorted(twice)), tuple(sorted(wrong)))


@contextlib.contextmanager
def _desk(folder: Path) -> Iterator[Desk]:
    desk = open_desk(folder, lambda: datetime.now(UTC))
    try:
        yield desk
    finally:
        desk.close()
