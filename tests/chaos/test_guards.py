"""Each guard is needed: the same run that holds every claim with it violates one without it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bench.stub_model import StubModel, stub_model
from tests.chaos.checker import Violation, summary
from tests.chaos.guards import GUARDS, WRITTEN_S, Guard, watch_the_fences
from tests.chaos.keeper import Keeper, kept_hub
from tests.chaos.traffic import joined

SETTLE_S = 40.0


@pytest.fixture(scope="module")
async def model() -> AsyncIterator[StubModel]:
    async with stub_model(keep_requests=False) as stub:
        yield stub


@pytest.fixture(scope="module")
async def keeper(model: StubModel) -> AsyncIterator[Keeper]:
    async with kept_hub(model.url) as running:
        await watch_the_fences(running)
        yield running


async def run(keeper: Keeper, model: StubModel, guard: Guard, name: str, patience_s: float) -> list[Violation]:
    async with joined(keeper, model, 11, clients=2, conversations=4, name=name) as traffic:
        await guard.run(traffic, patience_s)
        await traffic.settled(SETTLE_S)
        return await traffic.violations()


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
async def test_with_the_guard_every_claim_holds(keeper: Keeper, model: StubModel, guard: Guard) -> None:
    violations = await run(keeper, model, guard, f"with{guard.name}", WRITTEN_S)
    assert not violations, summary(violations)
    assert keeper.surprises == []


@pytest.mark.control
@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
async def test_control_without_the_guard_its_claim_does_not_hold(
    keeper: Keeper, model: StubModel, guard: Guard
) -> None:
    await guard.take_out(keeper)
    violations = await run(keeper, model, guard, f"without{guard.name}", 3 * WRITTEN_S)
    seen = [one for one in violations if one.claim is guard.protects and guard.seen in one.what]
    assert seen, summary(violations)
