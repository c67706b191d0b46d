"""Rehearse a send: made-up readers, a provider that breaks on purpose, and kill -9.

A rehearsal uses nothing of the newsroom's, and nothing leaves this machine. Several processes
send at once. Each is killed at a random moment or at a checkpoint, or is frozen until its lease
ends and then continues. At the end the mails of every reader are counted.
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
from newsletter.store.subscribers import Subscribers
from newsletter.store.subscription_status import ACTIVE

ISSUE = IssueName(date(2025, 7, 7))
LEASE = timedelta(seconds=1.0)
SEND_AHEAD = timedelta(hours=2)  # how long before the send time batches are handed over
FREEZE_SHARE = 0.15  # of the strikes; the others kill
TIMEOUT = 60.0  # seconds for the send to finish once nothing is killed any more

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
    """What is rehearsed."""

    readers: int = 1_000
    kills: int = 10  # at least this many
    processes: int = 3
    doubt: Doubt = Doubt.RECALL
    seed: int = 1
    batch_size: int = 50
    faults: float = 0.25  # the share of requests that break
    seconds: float = 0.02  # the longest that a request takes
    database: str = "sqlite:///newsletter.db"
    checkpoints: tuple[str, ...] = CHECKPOINTS  # where processes kill themselves
    strikes: bool = True  # also at random moments; without, every process dies at a checkpoint


@dataclass(frozen=True)
class RehearsalResult:
    """How a rehearsal ended."""

    plan: RehearsalPlan
    receipt: Receipt
    kills: Counter[str] = field(default_factory=Counter)  # checkpoint or kind of strike → how many
    twice: tuple[str, ...] = ()  # addresses that got the mail twice
    missing: tuple[str, ...] = ()  # addresses whose mailbox contradicts the receipt

    @property
    def good(self) -> bool:
        """Whether the receipt is right, nobody waits, and nobody got the mail twice.

        A second copy is no fault under the policy "resend".
        """
        twice = self.twice and self.plan.doubt is not Doubt.RESEND
        return not (twice or self.missing or self.receipt.waiting)


def rehearse(
    folder: Path, plan: RehearsalPlan, report: Callable[[str], None] = lambda _: None
) -> RehearsalResult:
    """Rehearse a send in an empty folder. Raises NewsletterError if the send does not end.

    ``report`` gets a sentence about the progress now and then.
    """
    _prepare(folder, plan)
    report(f"{plan.readers:,} made-up readers, {plan.batch_size} in each request.")
    kills = _send_with_kills(folder, plan, report)
    return _judge(folder, plan, kills)


def _prepare(folder: Path, plan: RehearsalPlan) -> None:
    """Write the configuration, add the readers, and freeze the send."""
    (folder / FILE).write_text(_CONFIG.format(**vars(plan)), encoding="utf-8")
    mail = Rendered("Rehearsal", "", "<p>A rehearsal.</p>", "A rehearsal.", "0" * 64, {})
    with _desk(folder) as desk:
        now = desk.clock()
        with desk.writing() as connection:
            people = Subscribers(connection, desk.config.newsletter.list)
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
                send_at=now + SEND_AHEAD if plan.doubt is Doubt.RECALL else None,
                now=now,
            )


def _send_with_kills(
    folder: Path, plan: RehearsalPlan, report: Callable[[str], None]
) -> Counter[str]:
    """Send until the issue is done, and return where processes were killed."""
    chance = random.Random(plan.seed)  # noqa: S311
    senders = _Senders(folder, plan, chance)
    deadline = time.monotonic() + TIMEOUT
    reported = 0
    try:
        while not _is_done(folder):
            if time.monotonic() > deadline:
                raise NewsletterError(
                    f"The rehearsal in {folder} does not end. Run it again with --seed "
                    f"{plan.seed}; if it hangs again, report this as a bug."
                )
            killing = senders.kills.total() < plan.kills
            senders.start_missing(killing)
            time.sleep(chance.expovariate(8))
            if killing and plan.strikes:
                senders.strike()
            if killing:
                deadline = time.monotonic() + TIMEOUT
            if senders.kills.total() > reported:
                reported = senders.kills.total()
                report(f"Killed so far: {reported}.")
    finally:
        senders.stop()
    return senders.kills


class _Senders:
    """The processes that send. ``kills`` counts where and how they were stopped."""

    def __init__(self, folder: Path, plan: RehearsalPlan, chance: random.Random) -> None:
        self.kills: Counter[str] = Counter()
        self._folder = folder
        self._plan = plan
        self._chance = chance
        self._fork = multiprocessing.get_context("fork")
        self._checkpoints: dict[BaseProcess, str] = {}  # where each kills itself, or ""

    def start_missing(self, killing: bool) -> None:
        """Start processes in place of the dead. While ``killing``, half kill themselves."""
        self._count_dead()
        while len(self._checkpoints) < self._plan.processes:
            dies = killing and (self._chance.random() < 0.5 or not self._plan.strikes)
            checkpoint = self._chance.choice(self._plan.checkpoints) if dies else ""
            passes = self._chance.randint(1, 3) if self._plan.strikes else 1
            process = self._fork.Process(target=_send, args=(self._folder, checkpoint, passes))
            process.start()
            self._checkpoints[process] = checkpoint

    def strike(self) -> None:
        """Kill one process now, or freeze it until its lease has ended and let it continue."""
        victim = self._chance.choice(list(self._checkpoints))
        if victim.pid is None or not victim.is_alive():
            return
        if self._chance.random() < FREEZE_SHARE:
            os.kill(victim.pid, signal.SIGSTOP)
            time.sleep(LEASE.total_seconds() * 1.3)
            os.kill(victim.pid, signal.SIGCONT)
            self.kills["frozen and woken"] += 1
            return
        del self._checkpoints[victim]
        victim.kill()
        victim.join()
        self.kills["random moment"] += 1

    def _count_dead(self) -> None:
        for process, checkpoint in list(self._checkpoints.items()):
            if not process.is_alive():
                if process.exitcode == -signal.SIGKILL:
                    self.kills[checkpoint] += 1
                del self._checkpoints[process]

    def stop(self) -> None:
        """Kill the processes that still run."""
        self._count_dead()
        for process in self._checkpoints:
            process.kill()
            process.join()


def _send(folder: Path, checkpoint: str, passes: int) -> None:
    """Send in this process, and kill it when it passes the checkpoint for the nth time."""
    passed: Counter[str] = Counter()

    def kill_at(name: str) -> None:
        passed[name] += 1
        if name == checkpoint and passed[name] == passes:
            os.kill(os.getpid(), signal.SIGKILL)

    with _desk(folder) as desk, contextlib.suppress(NewsletterError):
        frozen = desk.require_sent(ISSUE)
        observer = delivery.SendObserver(checkpoint=kill_at)
        deliver.run(delivery.job(desk, frozen, observer, lease=LEASE))


def _is_done(folder: Path) -> bool:
    with _desk(folder) as desk:
        return desk.require_sent(ISSUE).state is SendState.DONE


def _judge(folder: Path, plan: RehearsalPlan, kills: Counter[str]) -> RehearsalResult:
    """Count every reader's mails, and compare them with the receipt."""
    mailboxes = faulty.mailbox(folder / "mailbox")
    with _desk(folder) as desk:
        receipt = receipts.receipt(desk, ISSUE)
        with receipts.addresses(desk, ISSUE, "accepted") as rows:
            accepted = {address for address, _ in rows}
        with receipts.addresses(desk, ISSUE, "rejected") as rows:
            rejected = {address for address, _ in rows}
    twice = sorted(address for address, mails in mailboxes.items() if mails > 1)
    wrong = accepted - mailboxes.keys()
    if plan.doubt is not Doubt.RESEND:  # which may reject a second copy after the first arrived
        wrong |= rejected & mailboxes.keys()
    return RehearsalResult(plan, receipt, kills, tuple(twice), tuple(sorted(wrong)))


@contextlib.contextmanager
def _desk(folder: Path) -> Iterator[Desk]:
    desk = open_desk(folder, lambda: datetime.now(UTC))
    try:
        yield desk
    finally:
        desk.close()
