"""`aiox quota ...` and `aiox organisation quota`: what is set, what holds, and what is refused."""

from __future__ import annotations

from uuid import uuid4

import pytest

from aiox.cli import quotas
from aiox.cli.stack.trouble import CannotGoOn
from tests.integration.governance import organisation
from tests.stores import Stores


async def test_the_operator_sets_lists_and_clears(stores: Stores) -> None:
    settings, domain = stores.settings, f"{uuid4().hex}.example"
    said = await quotas.put(settings, "peer", domain.upper(), {"tokens_per_day": 700})
    assert said == f"peer {domain}: tokens_per_day 700; used 0 tokens in this minute, 0 today (UTC)"
    listed = await quotas.listed(settings)
    assert said in listed
    assert "peer default: tokens_per_minute 10000" in listed
    assert "default holds" in await quotas.drop(settings, "peer", domain)
    with pytest.raises(CannotGoOn, match="nothing by this name"):
        await quotas.drop(settings, "peer", domain)
    with pytest.raises(CannotGoOn, match="stores nothing of its own"):
        await quotas.put(settings, "peer", domain, {"max_memory_mb": 3})


async def test_an_organisation_reads_and_narrows_its_own(stores: Stores) -> None:
    settings, owner = stores.settings, await stores.account()
    house = str(await organisation(stores, owner))
    assert "no limit" in await quotas.of_organisation(settings, owner.jid, house, {})
    await quotas.put(settings, "organisation", house, {"tokens_per_day": 1000})
    said = await quotas.of_organisation(settings, owner.jid, house, {"tokens_per_day": 900})
    assert "own 900, hub 1000" in said
    with pytest.raises(CannotGoOn, match="ask for less"):
        await quotas.of_organisation(settings, owner.jid, house, {"tokens_per_day": 1001})
    with pytest.raises(CannotGoOn):
        await quotas.of_organisation(settings, (await stores.account()).jid, house, {})
