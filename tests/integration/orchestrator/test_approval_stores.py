"""Sequences on the real stores with restarts: nothing runs without a live approval, twice, or changed."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from setup.prove import note
from tests.integration.orchestrator.approval_stores import StoredWorld, drawn
from tests.stores import Stores
from tests.unit.policy.approval_oracle import harms
from tests.unit.policy.approval_world import Step

SHORT, FULL = 12, 500


async def played(stores: Stores, sequence: list[Step], *, one_use: bool = True) -> StoredWorld:
    world = await StoredWorld.made(stores, one_use=one_use)
    for what, which, who in sequence:
        await world.step(what, which, who)
    return world


async def round_of(stores: Stores, sequences: int, seed: int) -> Counter[str]:
    seen: Counter[str] = Counter()
    random = Random(seed)
    for _ in range(sequences):
        sequence = drawn(random)
        world = await played(stores, sequence)
        seen.update(event.what for event in world.log)
        assert harms(world) == [], (seed, sequence)
    return seen


async def test_nothing_runs_that_nobody_allowed(stores: Stores, request: pytest.FixtureRequest) -> None:
    seen = await round_of(stores, SHORT, int(request.config.getoption("hypothesis_seed", None) or 11))
    assert seen["ask"] >= SHORT


@pytest.mark.prove
async def test_nothing_runs_in_500_sequences(stores: Stores, request: pytest.FixtureRequest) -> None:
    seen = await round_of(stores, FULL, int(request.config.getoption("hypothesis_seed", None) or 11))
    assert seen["run"] > FULL / 50, "the sequences must reach a run, or they prove nothing"
    note(f"approvals on the real stores: {FULL} sequences, {seen['approve']} yes, {seen['run']} runs, 0 harms")


CONFIRMED: list[Step] = [("ask", 0, "ada@h"), ("approve", 0, "ada@h")]
FOUR_EYES: list[Step] = [("ask", 1, "guest@peer"), ("approve", 0, "bob@h")]


@pytest.mark.parametrize("sequence", [CONFIRMED, FOUR_EYES], ids=["confirm", "four eyes"])
async def test_granted_it_runs_once_also_when_two_reach_for_it(stores: Stores, sequence: list[Step]) -> None:
    world = await played(stores, [*sequence, ("race", 0, "ada@h"), ("run", 0, "ada@h")])
    assert [event.what for event in world.log].count("run") == 1
    assert harms(world) == []


@pytest.mark.control
async def test_control_without_the_conditional_update_it_runs_twice(stores: Stores) -> None:
    world = await played(stores, [*CONFIRMED, ("race", 0, "ada@h")], one_use=False)
    assert "replay" in harms(world)


async def test_who_lost_the_role_lets_nothing_run(stores: Stores) -> None:
    world = await played(stores, [*FOUR_EYES, ("role", 0, "bob@h"), ("run", 0, "ada@h")])
    assert [event.what for event in world.log] == ["ask", "approve"]


async def test_a_restart_changes_nothing(stores: Stores) -> None:
    world = await played(stores, [("ask", 1, "guest@peer"), ("restart", 0, ""), ("approve", 0, "bob@h"),
                                  ("restart", 0, ""), ("run", 0, "ada@h")])  # fmt: skip
    assert [event.what for event in world.log] == ["ask", "approve", "run"]
