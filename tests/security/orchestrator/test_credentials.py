"""A credential goes with its owner's turns and with nobody else's, however many are dispatched at the same time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from uuid import uuid4

import pytest

from aiox.kernel.agent import LlmConfig
from aiox.kernel.ids import OwnerId
from aiox.runtime.settings import Model, Providers
from orchestrator.credentials import Credentials, Granted
from orchestrator.tool_credentials import NoCredential, credential_for
from policy.credentials import Kind, Level, Mode, Status
from registry import credentials, tenants
from registry.credentials import NewBinding
from tests.integration.governance import organisation
from tests.stores import NOW, Stores

WANTED = LlmConfig(provider="openai", model="stub")
ROUNDS = 10


@dataclass(frozen=True)
class Tenant:
    """An owner, and the keys that their turns may be given: for a model, and for a letter."""

    owner: OwnerId
    key: str
    letters: str


async def put(stores: Stores, owner: OwnerId, level: Level, kind: Kind, secret: str) -> str:
    provider = "openai" if kind is Kind.LLM else "mail"
    new = NewBinding(uuid4(), owner, level, kind, provider, Mode.CUSTOM, "", secret, Status.VALID, "", NOW, NOW)
    await credentials.put(stores.pools["gateway"], stores.keys, new)
    return secret


async def tenants_of(stores: Stores) -> list[Tenant]:
    """Four with keys of their own, one with those of an organisation, one with none."""
    found = []
    for number in range(4):
        owner = (await stores.account()).owner
        key = await put(stores, owner, Level.OWNER, Kind.LLM, f"sk-{number}-{uuid4()}")
        found.append(Tenant(owner, key, await put(stores, owner, Level.OWNER, Kind.SMTP, f"smtp://{uuid4()}")))
    member = await stores.account()
    house = OwnerId(await organisation(stores, member))
    key = await put(stores, house, Level.ORGANISATION, Kind.LLM, f"sk-house-{uuid4()}")
    found.append(
        Tenant(member.owner, key, await put(stores, house, Level.ORGANISATION, Kind.SMTP, f"smtp://{uuid4()}"))
    )
    return [*found, Tenant((await stores.account()).owner, "", "")]


async def given(wallet: Credentials, one: Tenant) -> Sequence[str]:
    granted = await wallet.grant(one.owner, WANTED)
    assert isinstance(granted, Granted)
    return [credential.api_key for credential in granted.credentials]


async def strays(stores: Stores, kind: type[Credentials]) -> list[str]:
    """Keys that turns were given and that are not their owner's; empty for one that was not given its own."""
    pool = stores.pools["orchestrator"]
    wallet = kind(pool, partial(tenants.load_ring, pool, stores.keys), Model(), Providers())
    turns = [one for one in await tenants_of(stores) for _ in range(ROUNDS)]
    random.Random(7).shuffle(turns)
    found = await asyncio.gather(*(given(wallet, one) for one in turns))
    return [key for keys, one in zip(found, turns, strict=True) for key in keys or [""] if key != one.key]


class OneForAll(Credentials):
    """The guard taken out: what was read of the first owner stands for everybody."""

    async def _of(self, owner: OwnerId) -> Sequence[object]:  # type: ignore[override]
        self._first = getattr(self, "_first", owner)
        return await super()._of(self._first)


async def test_a_turn_is_given_its_owners_key_and_no_other(stores: Stores) -> None:
    assert await strays(stores, Credentials) == []


@pytest.mark.control
async def test_control_with_one_cache_for_all_owners_keys_go_astray(stores: Stores) -> None:
    assert await strays(stores, OneForAll)


async def test_a_tool_is_given_its_owners_credential_and_no_other(stores: Stores) -> None:
    pool = stores.pools["orchestrator"]
    ring_of = partial(tenants.load_ring, pool, stores.keys)

    async def letters(one: Tenant) -> str:
        try:
            return (await credential_for(pool, ring_of, one.owner, Kind.SMTP)).api_key
        except NoCredential:
            return ""

    turns = [one for one in await tenants_of(stores) for _ in range(ROUNDS)]
    random.Random(7).shuffle(turns)
    assert await asyncio.gather(*(letters(one) for one in turns)) == [one.letters for one in turns]
