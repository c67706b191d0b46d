"""Sends that break in every way at once: nobody twice, nobody missed, on both databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.app.setup.rehearsal import RehearsalPlan, RehearsalResult, rehearse
from newsletter.deliver.job import CHECKPOINTS
from newsletter.model import Doubt
from newsletter.providers import faulty
from tests.newsroom import Newsroom

pytestmark = pytest.mark.long


def check(result: RehearsalResult) -> None:
    """The promises of each policy."""
    receipt, policy = result.receipt, result.plan.doubt
    assert receipt.eligible == result.plan.readers
    assert receipt.waiting == 0
    assert result.missing == ()
    if policy is not Doubt.RESEND:
        assert result.twice == ()
    if policy is not Doubt.HOLD:
        assert receipt.in_doubt < result.plan.readers / 2


@pytest.mark.parametrize("policy", Doubt)
def test_a_rehearsal_with_kills(policy: Doubt, database_url: str, tmp_path: Path) -> None:
    plan = RehearsalPlan(
        400, 8, doubt=policy, seed=5, batch_size=20, seconds=0.05, database=database_url
    )
    result = rehearse(tmp_path, plan)
    check(result)
    assert result.kills
    if policy is Doubt.RECALL and result.receipt.in_doubt:  # no more can be taken back at once
        dropped = (tmp_path / "mailbox" / faulty.DROPPED).read_text().split()
        assert len(set(dropped)) >= 10


@pytest.mark.parametrize("point", CHECKPOINTS)
def test_a_program_that_dies_at_a_checkpoint(point: str, tmp_path: Path) -> None:
    """Every process dies there, until four did; the last ones go on."""
    plan = RehearsalPlan(
        120, 4, seed=2, batch_size=20, faults=0.4, checkpoints=(point,), strikes=False
    )
    result = rehearse(tmp_path, plan)
    check(result)
    assert result.kills[point]


def test_the_mailbox_counts_what_the_program_does_not(tmp_path: Path) -> None:
    """A mail taken twice, or not at all, would be found: the proof can fail."""
    result = rehearse(tmp_path, RehearsalPlan(40, 0, processes=1, batch_size=20, faults=0))
    assert result.good
    taken = tmp_path / "mailbox" / faulty.TAKEN
    lines = [line for line in taken.read_text().splitlines() if line]
    taken.write_text("\n".join([*lines[1:], lines[1]]) + "\n")
    got = faulty.mailbox(tmp_path / "mailbox")
    assert len(got) == 20
    assert set(got.values()) == {2}


def test_the_command_says_what_it_counted(newsroom: Newsroom) -> None:
    said = newsroom.json("rehearse", "--readers", "200", "--kills", "2", "--seed", "3")
    assert said["good"]
    assert said["eligible"] == 200
    text = newsroom.run("rehearse", "--readers", "100", "--kills", "0", "--doubt", "hold").stdout
    assert "0 readers got it twice" in text


def test_asking_again_for_a_batch_is_no_further_cancellation(tmp_path: Path) -> None:
    provider = faulty.FaultyProvider(faulty.FaultyProvider.Options(type="faulty"), tmp_path)
    for number in (1, 2, 4, 5, 7, 8, 10, 11, 13) * 2:
        assert provider.recall(f"recall-{number}").confirmed
    assert provider.recall("recall-14").confirmed
    assert not provider.recall("recall-16").confirmed
