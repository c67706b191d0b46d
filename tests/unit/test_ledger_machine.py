"""The ledger against a model that knows the truth: what the provider really took.

Whatever processes do, in whatever order they die and wake: nobody has two mails, unless a person
(or the policy "resend") wanted that; and the numbers always add up.
"""

from __future__ import annotations

import itertools
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    precondition,
    rule,
)

from newsletter.model import Answer, Outcome, Recall
from newsletter.store import (
    doubt,
    ledger,
    open_database,
    pause_cancel,
    recalls,
    receipts,
    send_missing,
)
from newsletter.store.ledger import LEASE, BatchClaim
from newsletter.store.recalls import RecallClaim
from newsletter.store.subscribers import Subscribers
from newsletter.store.subscription_status import ACTIVE
from tests import ledgers
from tests.ledgers import NOW, freeze

_FOLDER = tempfile.TemporaryDirectory()
_DATABASE = open_database("sqlite:///machine.db", Path(_FOLDER.name))
_names = itertools.count(1)
READERS, BATCH = 12, 2
MOMENT = NOW + timedelta(hours=2)  # at which the provider lets the mails go
MOMENTS = st.integers(1, 200).map(lambda seconds: timedelta(seconds=seconds))


@dataclass
class Request:
    """One request to the provider: whom it was for, and whether it was taken."""

    claim: BatchClaim
    recall_id: str
    taken: bool
    people: list[int]
    answered: bool = False


class Delivering(RuleBasedStateMachine):
    """Rules are what processes and people do; the invariants are the promises."""

    claims: Bundle[BatchClaim] = Bundle("claims")
    requests: Bundle[Request] = Bundle("requests")
    recallings: Bundle[Any] = Bundle("recallings")

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.name = f"n{next(_names)}"
        self.send = freeze(_DATABASE, READERS, BATCH, MOMENT, self.name)
        self.id = self.send.send.id
        self.all: list[Request] = []
        self.dropped: set[str] = set()
        self.gone: set[str] = set()  # what the provider has let go
        self.told: set[int] = set()  # of whom it has told that
        self.excused: set[int] = set()  # a person said "resend", or "sent"
        self.away: set[str] = set()  # who must not be mailed, ``barred`` for ever
        self.barred: set[str] = set()

    @rule(target=claims)
    def claim(self) -> Any:
        found = self._claimed()
        return multiple(found) if found else multiple()

    @rule(target=requests, claim=consumes(claims), taken=st.booleans())
    def hand_over(self, claim: BatchClaim, taken: bool) -> Any:
        return self._handed_over(claim, taken)

    @rule(target=requests, taken=st.booleans(), answer=st.sampled_from(("none", "sure", "lost")))
    def work(self, taken: bool, answer: str) -> Any:
        """What a healthy process does in one go; without an answer it is slow, or dead."""
        claim = self._claimed()
        if claim is None:
            return multiple()
        if answer == "none":
            return self._handed_over(claim, taken)
        self._handed_over(claim, taken)
        self._answer(self.all[-1], answer == "sure", rejecting=False)
        return multiple()

    @rule(request=consumes(requests), sure=st.booleans(), rejecting=st.booleans())
    def answer(self, request: Request, sure: bool, rejecting: bool) -> None:
        """The answer is true, or there is none; it may come after any time."""
        self._answer(request, sure, rejecting)

    @rule(claim=consumes(claims))
    def give_up(self, claim: BatchClaim) -> None:
        """It was to be handed over, and was not: perhaps long after others have taken it."""
        given = {reader.delivery: Answer.NOT_SENT for reader in claim.addressees}
        with _DATABASE.begin() as connection:
            ledger.record(connection, claim, Outcome(given), self.now)

    @rule(target=claims, taken=st.booleans())
    def sleep_while_another_works(self, taken: bool) -> Any:
        """A process that wakes when another one has its batch in hand."""
        mine = self.claim()
        self.leases_end()
        self.work(taken, "none")
        return mine

    @rule(target=requests, told=st.booleans())
    def die_and_be_taken_back(self, told: bool) -> Any:
        """The provider drops the batch; the answer to that may be lost, and its own still come."""
        mine = self.work(True, "none")
        self.leases_end()
        held = self.begin_recall(False)
        if isinstance(held, RecallClaim):
            self.end_recall(held, True, told)
        return mine

    def _claimed(self) -> BatchClaim | None:
        """A batch, in which nobody is who must not be mailed."""
        with _DATABASE.begin() as connection:
            ledger.expire(connection, self.id, self.now)
            found = ledgers.claim(connection, self.send, self.now)
        assert not found or not {reader.email for reader in found.addressees} & self.away
        return found

    def _handed_over(self, claim: BatchClaim, taken: bool) -> Any:
        recall_id = f"{self.name}-{len(self.all)}"
        with _DATABASE.begin() as connection:
            if ledger.start(connection, claim, self.now, recall_id) is None:
                return multiple()
        people = [reader.delivery for reader in claim.addressees]
        request = Request(claim, recall_id, taken, people)
        self.all.append(request)
        return request

    def _answer(self, request: Request, sure: bool, rejecting: bool) -> None:
        truth = Answer.ACCEPTED if request.taken else Answer.NOT_SENT
        given = dict.fromkeys(request.people, truth if sure else Answer.UNKNOWN)
        if sure and rejecting and not request.taken:
            given[request.people[0]] = Answer.REJECTED
        with _DATABASE.begin() as connection:
            ledger.record(connection, request.claim, Outcome(given), self.now)
        request.answered = True

    @rule(length=MOMENTS)
    def time_goes_by(self, length: timedelta) -> None:
        self.now += length

    @rule()
    def leases_end(self) -> None:
        self.now += LEASE
        with _DATABASE.begin() as connection:
            ledger.expire(connection, self.id, self.now)

    @rule()
    def hold(self) -> None:
        with _DATABASE.begin() as connection:
            doubt.hold(connection, self.id, self.now)

    @rule(target=recallings, accepted=st.booleans())
    def begin_recall(self, accepted: bool) -> Any:
        with _DATABASE.begin() as connection:
            found = recalls.begin(
                connection, self.id, self.now, margin=timedelta(minutes=10), most=10**6,
                accepted=accepted and self._state() == "cancelled",
            )  # fmt: skip
        return multiple(found) if found else multiple()

    @rule(held=consumes(recallings), dropped=st.booleans(), told=st.booleans())
    def end_recall(self, held: Any, dropped: bool, told: bool) -> None:
        dropped = dropped and held.recall_id not in self.gone
        if dropped:
            self.dropped.add(held.recall_id)
        answer = Recall(dropped and told, "", again=dropped and not told)
        with _DATABASE.begin() as connection:
            again = self._state() != "cancelled"
            recalls.end(connection, held, answer, self.now, again=again)

    @rule(request=st.integers(0, 30), gone=st.booleans())
    def event(self, request: int, gone: bool) -> None:
        """The provider tells of a mail that it has; after its moment it is gone for good."""
        left = [r for r in self.all if r.taken and r.recall_id not in self.dropped]
        if left:
            told = left[request % len(left)]
            self.now = max(self.now, MOMENT) if gone else self.now
            with _DATABASE.begin() as connection:
                doubt.settle_by_event(
                    connection, self.id, told.claim.number, told.people[0], self.now, left=gone
                )
            if gone:
                self.gone.add(told.recall_id)
                self.told.add(told.people[0])

    @rule(sent=st.booleans(), which=st.integers(0, 30))
    def a_person_decides(self, sent: bool, which: int) -> None:
        with _DATABASE.begin() as connection:
            held = doubt.held_batches(connection, self.id)
            if held:
                number = held[which % len(held)][0]
                self._excuse(number)
                assert doubt.resolve(connection, self.id, number, sent=sent, now=self.now)

    @rule()
    def resend_policy(self) -> None:
        for number in range(1, 40):
            self._excuse(number, unknown=True)
        with _DATABASE.begin() as connection:
            doubt.resend_unknown(connection, self.id, self.now)

    @rule(number=st.integers(0, READERS - 1), what=st.sampled_from(("leaves", "returns", "barred")))
    def a_reader(self, number: int, what: str) -> None:
        address = f"r{number}@{self.name}.example.com"
        with _DATABASE.begin() as connection:
            people = Subscribers(connection, self.name)
            if what == "barred":
                row = people.keys.key(address), "bounced", self.now.isoformat()
                connection.exec_driver_sql(
                    "insert or ignore into suppressions values (?, ?, ?)", row
                )
                self.barred.add(address)
            elif what == "returns":
                people.add(address, "", ACTIVE, self.now, revive=True)
                self.away.discard(address)
            else:
                people.remove(address, self.now)
        if what != "returns" or address in self.barred:
            self.away.add(address)

    @precondition(lambda self: len(self.all) > 5)
    @rule()
    def cancel(self) -> None:
        with _DATABASE.begin() as connection:
            pause_cancel.cancel(connection, self.id, self.now)

    @rule()
    def go_on_to_those_missing(self) -> None:
        with _DATABASE.begin() as connection:
            send_missing.plan(connection, self.send, BATCH, self.now)

    @invariant()
    def the_numbers_add_up(self) -> None:
        with _DATABASE.read() as connection:
            receipt = receipts.receipt(connection, self.send)
        parts = ("accepted", "excluded", "rejected", "in_doubt", "waiting")
        assert receipt.eligible == READERS == sum(getattr(receipt, part) for part in parts)

    @invariant()
    def nobody_has_two_mails(self) -> None:
        got = [p for r in self._delivered() for p in r.people if p not in self.excused]
        assert len(got) == len(set(got))

    @invariant()
    def what_is_accepted_was_taken(self) -> None:
        got = {p for r in self._delivered() for p in r.people}
        assert self._in_state("accepted") - self.excused <= got

    @invariant()
    def of_whom_is_told_that_the_mail_is_gone_has_got_it(self) -> None:
        assert self.told <= self._in_state("accepted")

    @invariant()
    def who_waits_or_is_left_out_has_no_mail(self) -> None:
        """But for those in a request that nobody has answered yet, and those in doubt."""
        open_ = {p for r in self.all if not r.answered for p in r.people}
        got = {p for r in self._delivered() for p in r.people}
        settled = (
            self._in_state("waiting") | self._in_state("excluded") | self._in_state("rejected")
        )
        assert not (settled & got) - open_ - self.excused

    def _delivered(self) -> list[Request]:
        return [r for r in self.all if r.taken and r.recall_id not in self.dropped]

    def _in_state(self, state: str) -> set[int]:
        with _DATABASE.read() as connection:
            rows = connection.exec_driver_sql(
                f"select id from deliveries where send_id = {self.id} and state = '{state}'"
            )
            return {row[0] for row in rows}

    def _state(self) -> str:
        with _DATABASE.read() as connection:
            rows = connection.exec_driver_sql(f"select state from sends where id = {self.id}")
            return str(rows.scalar_one())

    def _excuse(self, number: int, unknown: bool = False) -> None:
        states = "('UNKNOWN')" if unknown else "('HELD')"
        with _DATABASE.read() as connection:
            rows = connection.exec_driver_sql(
                f"select d.id from deliveries d join batches b on b.send_id = d.send_id and "
                f"b.number = d.batch where d.send_id = {self.id} and b.number = {number} and "
                f"b.state in {states} and d.state = 'in_doubt'"
            )
            self.excused |= {row[0] for row in rows}


TestDelivering = Delivering.TestCase
TestDelivering.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
