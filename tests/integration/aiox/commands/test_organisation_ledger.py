"""Auditors of an organisation read what is done with its members' agents, and nobody else does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest

from aiox.commands import ledger_read, list_agents, preferences
from aiox.commands.hub import Actor, Hub
from aiox.commands.ledger_read import ReadLedger
from aiox.commands.list_agents import ListAgents
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused
from aiox.runtime.clock import SystemClock
from registry import ledger_rows
from registry.ledger_rows import Wanted
from tests.integration.governance import join, organisation
from tests.stores import Stores

ALL = Wanted()


@dataclass(frozen=True)
class House:
    """An organisation with somebody in each role, and a member whose agents are overseen."""

    stores: Stores
    hub: Hub
    id: UUID
    member: Actor
    others: dict[str, Actor]

    async def read(self, reader: Actor, organisation: UUID | None = None) -> Sequence[tuple[str, UUID]] | Refused:
        found = await ledger_read.run(self.hub, reader, ReadLedger(organisation=organisation or self.id))
        if isinstance(found, Refused):
            return found
        return [(str(row.details.get("action")), row.owner_user_id) for row in found]


@pytest.fixture
async def house(stores: Stores) -> House:
    member = await stores.account()
    found = await organisation(stores, member, "member")
    others = {role: await stores.account() for role in ("owner", "admin", "approver", "auditor")}
    for role, actor in others.items():
        await join(stores, found, actor, role)
    hub = Hub(stores.pools["gateway"], stores.keys, SystemClock(), "localhost")
    assert not isinstance(await list_agents.run(hub, member, ListAgents()), Refused)
    assert not isinstance(await preferences.read(hub, member), Refused)
    return House(stores, hub, found, member, others)


@pytest.mark.parametrize("role", ["owner", "admin", "auditor"])
async def test_who_oversees_reads_what_is_done_with_agents_and_nothing_private(house: House, role: str) -> None:
    found = await house.read(house.others[role])
    assert not isinstance(found, Refused)
    assert ("agent.list", house.member.owner) in found
    assert {action.split(".")[0] for action, _ in found} <= {"agent", "ledger"}


async def test_other_members_and_strangers_read_nothing_of_it(house: House) -> None:
    stranger = await house.stores.account()
    for reader, code in (
        (house.others["approver"], ErrorCode.ACCESS_DENIED),
        (house.member, ErrorCode.ACCESS_DENIED),
        (stranger, ErrorCode.NOT_FOUND),
    ):
        found = await house.read(reader)
        assert isinstance(found, Refused)
        assert found.code is code
    unknown = await house.read(stranger, uuid4())
    assert isinstance(unknown, Refused)
    assert unknown.code is ErrorCode.NOT_FOUND


async def test_what_was_recorded_before_somebody_joined_stays_theirs(house: House) -> None:
    newcomer = await house.stores.account()
    assert not isinstance(await list_agents.run(house.hub, newcomer, ListAgents()), Refused)
    await join(house.stores, house.id, newcomer, "member")
    found = await house.read(house.others["auditor"])
    assert not isinstance(found, Refused)
    assert all(owner != newcomer.owner for _, owner in found)


async def test_row_level_security_holds_where_the_gate_is_left_out(house: House) -> None:
    pool = house.stores.pools["gateway"]
    seen = await ledger_rows.list_of_organisation(pool, house.others["auditor"].owner, house.id, ALL, 50)
    assert len(seen) >= 1
    for reader in (house.others["approver"], house.member, await house.stores.account()):
        found = await ledger_rows.list_of_organisation(pool, reader.owner, house.id, ALL, 50)
        assert {row.owner_user_id for row in found} <= {reader.owner}
    own = await ledger_rows.list_of_owner(pool, house.others["auditor"].owner, ALL, 50)
    assert all(row.owner_user_id == house.others["auditor"].owner for row in own)


@pytest.mark.control
async def test_without_the_role_in_its_rule_any_account_would_read_it(house: House) -> None:
    stranger, pool = await house.stores.account(), house.stores.pools["gateway"]
    lax = "ALTER POLICY organisation ON audit_logs USING (organisation_id = (SELECT current_organisation()))"
    strict = (
        "ALTER POLICY organisation ON audit_logs USING (organisation_id = (SELECT current_organisation())"
        " AND (SELECT role_in(current_organisation())) IN ('owner', 'admin', 'auditor'))"
    )
    async with house.stores.superuser() as connection:
        await connection.execute(lax)
        try:
            found = await ledger_rows.list_of_organisation(pool, stranger.owner, house.id, ALL, 50)
        finally:
            await connection.execute(strict)
    assert house.member.owner in {row.owner_user_id for row in found}
