"""Idempotency keys: one key, one request, one answer, for a day."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta

from registry.idempotency import KEPT, LEASE, Claim, KeptAnswer, Keys, Standing
from tests.stores import NOW, Stores

SECOND = timedelta(seconds=1)
ANSWER = KeptAnswer(201, (("content-type", "application/json"),), b'{"secret": "caf\xc3\xa9"}')


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def keys_of(stores: Stores) -> Keys:
    return Keys(stores.pools["gateway"], stores.keys)


async def test_the_same_request_gets_the_same_answer_and_another_one_none(stores: Stores) -> None:
    keys, ada = keys_of(stores), (await stores.account()).owner
    claim = await keys.claim(ada, digest("k"), digest("r"), NOW)
    assert isinstance(claim, Claim)
    assert await keys.claim(ada, digest("k"), digest("r"), NOW) is Standing.IN_USE
    await keys.keep(claim, ANSWER)
    assert await keys.claim(ada, digest("k"), digest("r"), NOW) == ANSWER
    assert await keys.claim(ada, digest("k"), digest("other"), NOW) is Standing.REUSED
    assert isinstance(await keys.claim(ada, digest("k2"), digest("r"), NOW), Claim)


async def test_a_key_of_one_account_is_nothing_to_another(stores: Stores) -> None:
    keys = keys_of(stores)
    for _ in range(2):
        claim = await keys.claim((await stores.account()).owner, digest("k"), digest("r"), NOW)
        assert isinstance(claim, Claim)
        await keys.keep(claim, ANSWER)


async def test_of_many_at_once_one_runs(stores: Stores) -> None:
    keys, ada = keys_of(stores), (await stores.account()).owner
    found = await asyncio.gather(*(keys.claim(ada, digest("k"), digest("r"), NOW) for _ in range(20)))
    assert sum(isinstance(one, Claim) for one in found) == 1
    assert sum(one is Standing.IN_USE for one in found) == 19


async def test_a_released_key_and_one_whose_gateway_died_may_be_used_again(stores: Stores) -> None:
    keys, ada = keys_of(stores), (await stores.account()).owner
    claim = await keys.claim(ada, digest("k"), digest("r"), NOW)
    assert isinstance(claim, Claim)
    await keys.release(claim)
    dead = await keys.claim(ada, digest("k"), digest("other"), NOW)
    assert isinstance(dead, Claim)
    assert await keys.claim(ada, digest("k"), digest("other"), NOW + LEASE) is Standing.IN_USE
    alive = await keys.claim(ada, digest("k"), digest("other"), NOW + LEASE + SECOND)
    assert isinstance(alive, Claim)
    await keys.release(dead)  # of a claim that was lost meanwhile: the new one stands
    assert await keys.claim(ada, digest("k"), digest("other"), NOW + LEASE + SECOND) is Standing.IN_USE


async def test_a_key_is_free_again_after_a_day(stores: Stores) -> None:
    keys, ada = keys_of(stores), (await stores.account()).owner
    claim = await keys.claim(ada, digest("k"), digest("r"), NOW)
    assert isinstance(claim, Claim)
    await keys.keep_repeatable(claim, 202)
    assert await keys.claim(ada, digest("k"), digest("r"), NOW + KEPT) is Standing.REPEATABLE
    assert await keys.claim(ada, digest("k"), digest("other"), NOW + KEPT) is Standing.REUSED
    assert isinstance(await keys.claim(ada, digest("k"), digest("other"), NOW + KEPT + SECOND), Claim)


async def test_answers_are_not_in_the_database_in_clear(stores: Stores) -> None:
    keys, ada = keys_of(stores), (await stores.account()).owner
    claim = await keys.claim(ada, digest("k"), digest("r"), NOW)
    assert isinstance(claim, Claim)
    await keys.keep(claim, ANSWER)
    async with stores.superuser() as connection:
        stored = await connection.fetchval("SELECT answer FROM idempotency_keys WHERE owner_user_id = $1", ada)
    assert b"secret" not in bytes(stored)
