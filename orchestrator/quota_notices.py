"""Tells owners of limits that are used to 80 and to 100 per cent: a message, a state event, a ledger row, once each.

Of an organisation's limits each of its owners and admins is told.

Limits of a minute are not told of: they come and go with every turn, and whoever they stop reads of it in the refusal.
"""

from __future__ import annotations

import asyncio
from typing import Final
from uuid import uuid4

from aiox.commands.gate import organisation_of
from aiox.commands.hub import Hub
from aiox.commands.notices import notice
from aiox.kernel.ids import agent_id_of
from aiox.kernel.jid import local_part
from aiox.runtime.logs import Log, describe
from aiox.runtime.postgres import StoreTrouble, owner_scope
from policy.ledger import Record
from policy.quota import DAY_S
from policy.quota_notice import Whose, sentence
from registry import chat_choices, events, ledger, outbox, quota_notices
from registry.quota_notices import Due

EVERY_S: Final = 10.0
"""Between two looks, in seconds."""
MOST: Final = 200
NOTICED: Final = "quota.noticed"


async def tell_for_ever(hub: Hub, log: Log) -> None:
    """Looks until cancelled. A store that is away is waited for."""
    while True:
        await asyncio.sleep(EVERY_S)
        try:
            await tell(hub)
        except StoreTrouble as away:
            log.warning("quota_notices_wait", error=describe(away))


async def tell(hub: Hub) -> int:
    """One look; returns how many owners were told. Any number of processes may look."""
    day = int(hub.clock.now().timestamp()) // DAY_S
    return sum([await _tell(hub, due) for due in await quota_notices.find_due(hub.pool, day, MOST)])


async def _tell(hub: Hub, due: Due) -> bool:
    now, crossed = hub.clock.now(), due.crossed
    shared = crossed.whose is Whose.ORGANISATION
    organisation = due.scope if shared else await organisation_of(hub, due.owner, NOTICED)
    parent = uuid4()
    async with owner_scope(hub.pool, due.owner) as connection:
        if not await quota_notices.claim(connection, due, now) or not due.rises:
            return False
        if not await chat_choices.is_muted(connection, agent_id_of(local_part(due.sender)), due.owner_jid, now):
            words = notice(due.owner, parent, due.sender, due.owner_jid, sentence(crossed), now)
            await outbox.put(connection, [words])
        await events.append(connection, due.owner, "quota", due.scope, crossed.code, str(crossed.budget))
        record = Record(
            id=parent,
            owner=due.owner,
            event_type=NOTICED,
            severity="warning",
            details={
                "scope_id": str(due.scope),
                "budget": str(crossed.budget),
                "level": crossed.level,
                "used": crossed.used,
                "allowed": crossed.allowed,
            },
            created_at=now,
            actor=due.owner_jid,
            organisation_id=organisation,
        )
        await ledger.append(connection, [record])
    return True
