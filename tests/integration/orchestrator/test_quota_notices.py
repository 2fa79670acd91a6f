"""Owners hear of 80 and of 100 per cent, of tokens and of memory, of account and agent: once each, whoever looks."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from aiox.commands.hub import Actor, Hub
from aiox.kernel.agent import AgentSpec, Governance, Profile
from aiox.kernel.envelope import OutboxReady
from aiox.kernel.ids import HUB_OWNER, AgentId
from aiox.wire.codec import decode
from orchestrator.quota_notices import tell
from policy.quota import DAY_S, MINUTE_S
from policy.storage import MIB
from registry import chat_choices
from tests.integration.governance import join, organisation
from tests.stores import Stores

SPEC = AgentSpec(profile=Profile(name="Ada"), governance=Governance(max_tokens_per_day=1000, max_memory_mb=10))
ACCOUNT_TOKENS = 200_000
DAY = datetime.fromisoformat("2031-05-06T07:08:09+00:00")


@dataclass
class HandClock:
    """Shows what it was set to: a day that no other test counts in."""

    at: datetime = DAY

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()


@dataclass
class Owner:
    """An account with one agent of small limits."""

    stores: Stores
    actor: Actor
    agent: AgentId
    clock: HandClock

    @classmethod
    async def made(cls, stores: Stores) -> Owner:
        actor = await stores.account()
        return cls(stores, actor, await stores.agent(actor, SPEC), HandClock())

    async def used(self, tokens: int, *, account: bool = False) -> None:
        scope = self.actor.owner if account else self.agent
        minute = int(self.clock.at.timestamp()) // MINUTE_S
        async with self.stores.superuser() as connection:
            await connection.execute(
                "INSERT INTO quota_usage VALUES ($1, $2, $3, $4, $4) ON CONFLICT (scope_id)"
                " DO UPDATE SET minute = $3, day_tokens = $4",
                scope, self.actor.owner, minute, tokens,
            )  # fmt: skip

    async def stored(self, size: int) -> None:
        async with self.stores.superuser() as connection:
            await connection.execute(
                "INSERT INTO agent_storage VALUES ($1, $2, $3) ON CONFLICT (agent_id) DO UPDATE SET bytes = $3",
                self.agent, self.actor.owner, size,
            )  # fmt: skip

    async def told(self) -> list[str]:
        """Looks twice at once, as two orchestrators do; then what was said since the last time."""
        hub = Hub(self.stores.pools["orchestrator"], self.stores.keys, self.clock, "localhost")
        await asyncio.gather(tell(hub), tell(hub))
        async with self.stores.superuser() as connection:
            rows = await connection.fetch(
                "UPDATE outbox SET sent_at = now() WHERE owner_user_id = $1 AND sent_at IS NULL RETURNING envelope",
                self.actor.owner,
            )
        said = [decode(row["envelope"]).payload for row in rows]
        assert all(isinstance(one, OutboxReady) and one.to_jid == self.actor.jid for one in said)
        return sorted(one.body.split(". ")[0] for one in said if isinstance(one, OutboxReady))

    async def rows(self, query: str) -> list[tuple[object, ...]]:
        async with self.stores.superuser() as connection:
            return [tuple(row) for row in await connection.fetch(query, self.actor.owner)]


async def test_tokens_are_told_at_80_and_at_100_per_cent_and_anew_the_next_day(stores: Stores) -> None:
    owner = await Owner.made(stores)
    await owner.used(799)
    assert await owner.told() == []
    await owner.used(800)
    assert await owner.told() == ["This agent has used 800 of 1000 tokens of today"]
    await owner.used(990)
    assert await owner.told() == []
    await owner.used(1000)
    assert await owner.told() == ["This agent has used 1000 of 1000 tokens of today"]
    await owner.used(1200)
    assert await owner.told() == []
    owner.clock.at += timedelta(seconds=DAY_S)
    assert await owner.told() == [], "yesterday is over"
    await owner.used(850)
    assert await owner.told() == ["This agent has used 850 of 1000 tokens of today"]


async def test_the_account_has_its_own_limit(stores: Stores) -> None:
    owner = await Owner.made(stores)
    await owner.used(ACCOUNT_TOKENS, account=True)
    assert await owner.told() == [f"Your account has used {ACCOUNT_TOKENS} of {ACCOUNT_TOKENS} tokens of today"]


async def test_memory_is_told_again_when_it_was_emptied_in_between(stores: Stores) -> None:
    owner = await Owner.made(stores)
    for size, told in (
        (8 * MIB, ["This agent has used 8.0 of 10 MiB of memory"]),
        (9 * MIB, []),
        (10 * MIB, ["This agent has used 10.0 of 10 MiB of memory"]),
        (1 * MIB, []),
        (11 * MIB, ["This agent has used 11.0 of 10 MiB of memory"]),
    ):
        await owner.stored(size)
        assert await owner.told() == told


async def test_with_the_message_stand_an_event_and_a_row_of_the_ledger(stores: Stores) -> None:
    owner = await Owner.made(stores)
    await owner.used(1000)
    await owner.told()
    events = await owner.rows("SELECT kind, state, detail, thing FROM state_events WHERE owner_user_id = $1"
                              " AND kind = 'quota'")  # fmt: skip
    assert events == [("quota", "full", "tokens", owner.agent)]
    rows = await owner.rows("SELECT details ->> 'level', details ->> 'used', severity FROM audit_logs"
                            " WHERE owner_user_id = $1 AND event_type = 'quota.noticed'")  # fmt: skip
    assert rows == [("100", "1000", "warning")]


async def test_of_an_organisations_limit_its_owners_and_admins_are_told_each_once(stores: Stores) -> None:
    owner, admin, member = [await Owner.made(stores) for _ in range(3)]
    house = await organisation(stores, owner.actor)
    await join(stores, house, admin.actor, "admin")
    await join(stores, house, member.actor, "member")
    minute = int(DAY.timestamp()) // MINUTE_S
    async with stores.superuser() as connection:
        await connection.execute(
            "INSERT INTO group_quotas (kind, name, set_by, tokens_per_day, max_memory_mb, changed_at)"
            " VALUES ('organisation', $1, 'hub', 1000, 1, now())", str(house),
        )  # fmt: skip
        await connection.execute("INSERT INTO quota_usage VALUES ($1, $2, $3, 850, 850)", house, HUB_OWNER, minute)
    told = ["The organisation that you rule has used 850 of 1000 tokens of today"]
    assert await owner.told() == told
    assert await admin.told() == told
    assert await owner.told() == await admin.told() == await member.told() == []
    await member.stored(2 * MIB)
    assert await owner.told() == ["The organisation that you rule has used 2.0 of 1 MiB of memory"]
    rows = await owner.rows("SELECT organisation_id, details ->> 'scope_id' FROM audit_logs WHERE owner_user_id = $1"
                            " AND event_type = 'quota.noticed' ORDER BY seq")  # fmt: skip
    assert rows == [(house, str(house))] * 2


@pytest.mark.control
async def test_without_the_note_it_would_be_told_every_time(stores: Stores) -> None:
    owner = await Owner.made(stores)
    await owner.used(1000)
    assert len(await owner.told()) == 1
    await owner.rows("DELETE FROM quota_notices WHERE owner_user_id = $1")
    assert len(await owner.told()) == 1


async def test_who_muted_the_agent_is_not_told(stores: Stores) -> None:
    muted, other = await Owner.made(stores), await Owner.made(stores)
    until = muted.clock.now() + timedelta(hours=1)
    pool, jid = stores.pools["orchestrator"], muted.actor.jid
    await chat_choices.mute(pool, muted.actor.owner, muted.agent, jid, until, muted.clock.now())
    for one in (muted, other):
        await one.used(900)
    assert await muted.told() == []
    assert len(await other.told()) == 1
