"""What an adaptor gives back that is no outcome: it leaves doubt, with the reason, and no crash."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from newsletter import deliver
from newsletter.deliver.submission import submit
from newsletter.errors import ProviderError
from newsletter.model import Answer, Doubt, Outcome, Recall, Recipient, Send
from newsletter.store import Database
from tests.ledgers import freeze, numbers
from tests.sample_sends import a_recipient, a_send, readers
from tests.unit.test_runs import Scripted, ahead, job, now

A = Answer.ACCEPTED


class Adaptor:
    """Gives back what the test says, and raises it where it is an error."""

    batch_size = 2

    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome

    def submit(self, send: Send, batch: Sequence[Recipient]) -> Any:
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


def answer(outcome: Any) -> Outcome:
    return submit(Adaptor(outcome), a_send(), readers(2))  # type: ignore[arg-type]


NONSENSE = [
    (None, "gave None instead of an Outcome"),
    ({1: A, 2: A}, "instead of an Outcome"),
    (Outcome, "instead of an Outcome"),
    (KeyError("id"), "failed: KeyError: 'id' (test_submission.py, line"),
    (SystemExit(3), "failed: SystemExit: 3"),
    (Outcome(None), "gave no answer for this delivery"),  # type: ignore[arg-type]
    (Outcome([A, A]), "gave no answer for this delivery"),  # type: ignore[arg-type]
    (Outcome({}), "gave no answer for this delivery"),
    (Outcome({1: "sent", 2: True}), "gave the answer"),  # type: ignore[dict-item]
]


@pytest.mark.parametrize(("outcome", "reason"), NONSENSE)
def test_nonsense_leaves_everyone_in_doubt_with_that_reason(outcome: Any, reason: str) -> None:
    got = answer(outcome)
    assert got.answers == {1: Answer.UNKNOWN, 2: Answer.UNKNOWN}
    assert all(reason in got.reasons[number] for number in (1, 2)), got.reasons


def test_only_those_whom_the_outcome_does_not_name_are_in_doubt() -> None:
    got = answer(Outcome({1: A, 99: A}, {1: "fine"}, reference="r"))
    assert got.answers == {1: A, 2: Answer.UNKNOWN}
    assert got.reasons == {1: "fine", 2: "the provider's adaptor gave no answer for this delivery"}
    assert got.reference == "r"


def test_a_good_outcome_stays_as_it_is() -> None:
    good = Outcome(
        {1: A, 2: Answer.REJECTED}, {2: "no such user"}, "id", 2.5, throttled=True, split=True,
        pause="Look at it.",
    )  # fmt: skip
    assert answer(good) == good


@pytest.mark.parametrize("wait", ["soon", math.nan, math.inf, -1, True, 1e12])
def test_a_wait_that_is_none_stops_nothing(wait: Any) -> None:
    got = answer(Outcome({1: A, 2: A}, None, 7, wait, "yes", 3, "no"))  # type: ignore[arg-type]
    assert got.retry_after in (None, 86_400)
    assert (got.reasons, got.reference, got.pause) == ({}, None, None)
    assert (got.throttled, got.split) == (False, False)


@pytest.mark.parametrize(("outcome", "reason"), NONSENSE)
def test_a_run_over_such_a_provider_ends_and_nobody_is_lost(
    database: Database, outcome: Any, reason: str
) -> None:
    send = freeze(database, 3)

    deliver.run(job(database, send, Scripted(Adaptor(outcome).submit), Doubt.HOLD))
    assert numbers(database, send) == {"in_doubt": 3}


def test_a_test_mail_over_such_a_provider_says_what_went_wrong() -> None:
    provider: Any = Adaptor(None)
    with pytest.raises(ProviderError, match="gave None instead of an Outcome"):
        deliver.submit_test(provider, a_send(test=True), [a_recipient()])
    provider = Adaptor(KeyError("id"))
    with pytest.raises(ProviderError, match="KeyError: 'id'"):
        deliver.submit_alert(provider, a_send(alert="held"), a_recipient())


def raises(*_: object) -> Any:
    raise KeyError("id")


@pytest.mark.parametrize("opened", [raises, lambda _: 7, lambda _: "x" * 201])
def test_a_provider_that_gives_no_batch_id_has_sent_nothing(
    database: Database, opened: Callable[[object], Any]
) -> None:
    send = ahead(database, 2)

    def submit(_: Send, batch: Sequence[Recipient]) -> Outcome:
        raise AssertionError("it is handed over without an id")

    provider = Scripted(submit)
    work = job(database, send, provider)

    def open_batch(batch: Sequence[Recipient]) -> Any:
        work.stop.set()
        return opened(batch)

    provider.open_batch = open_batch  # type: ignore[method-assign]
    deliver.run(work)
    assert numbers(database, send) == {"waiting": 2}


@pytest.mark.parametrize("recalled", [raises, lambda _: None, lambda _: Recall(False, 3)])  # type: ignore[arg-type]
def test_a_recall_that_gives_nonsense_is_asked_for_again(
    database: Database, recalled: Callable[[str], Any]
) -> None:
    send = ahead(database, 2)
    later = timedelta()

    def submit(_: Send, batch: Sequence[Recipient]) -> Outcome:
        answer = Answer.ACCEPTED if provider.asked else Answer.UNKNOWN
        return Outcome.all(batch, answer, "no answer")

    def recall(recall_id: str) -> Recall:
        nonlocal later
        if later:
            return Recall(True)
        later = timedelta(seconds=6)
        return recalled(recall_id)  # type: ignore[no-any-return]

    provider = Scripted(submit, recall)
    deliver.run(replace(job(database, send, provider), clock=lambda: now() + later))
    assert provider.asked == ["id-1", "id-1"]
    assert numbers(database, send) == {"accepted": 2}
