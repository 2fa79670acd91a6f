"""Sweeps approvals: what is over its time ends and is told; what was granted and did not run is put on the bus again.

So a process that dies between the grant and the bus loses nothing, and a grant that was never used is said to be so.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final
from uuid import UUID

from aiox.commands.dead_letters import Resubmit
from aiox.commands.gate import organisation_of
from aiox.commands.hub import Hub
from aiox.commands.notices import notice
from aiox.commands.resume import agent_jid_of, resumed
from aiox.kernel.ids import OwnerId, derived_id
from aiox.runtime.keyring import CannotOpen, KeyRing
from aiox.runtime.logs import Log, describe
from aiox.runtime.nats import NotStored
from aiox.runtime.postgres import Connection, StoreTrouble, owner_scope
from policy import approvals as rules
from policy.approvals import State
from policy.ledger import Record
from registry import approvals, ledger, outbox, tenants
from registry.approvals import Kept
from registry.tenants import TenantKeyMissing

SWEEP_S: Final = 10.0
"""Between two sweeps, in seconds."""
LATE: Final = timedelta(seconds=15)
"""After its grant, an approval that has not run is put on the bus again."""
MOST: Final = 200
_OPEN: Final = (State.PENDING, State.GRANTED)
EXPIRED: Final = "approval.expired"
NOT_USED: Final = "was approved and not delivered: its call did not run within 15 minutes"
NOT_DECIDED: Final = "has expired: nobody decided on it in time"


async def sweep_for_ever(hub: Hub, resubmit: Resubmit, log: Log) -> None:
    """Sweeps until cancelled. A store or a bus that is away is waited for."""
    while True:
        await asyncio.sleep(SWEEP_S)
        try:
            await sweep(hub, resubmit)
        except (*StoreTrouble, NotStored) as away:
            log.warning("approvals_not_swept", error=describe(away))


async def sweep(hub: Hub, resubmit: Resubmit) -> int:
    """One round; returns how many approvals it ended or put on the bus again. Any number of processes may sweep."""
    done = 0
    for approval_id, owner in await approvals.find_unfinished(hub.pool, hub.clock.now(), MOST):
        done += await _finish(hub, resubmit, approval_id, owner)
    return done


async def _finish(hub: Hub, resubmit: Resubmit, approval_id: UUID, owner: OwnerId) -> bool:
    try:
        ring = await tenants.load_ring(hub.pool, hub.keys, owner)
        return await _finished(hub, resubmit, approval_id, owner, ring)
    except (CannotOpen, TenantKeyMissing):  # its owner was erased: nobody can read it, so nobody is told
        async with owner_scope(hub.pool, owner) as connection:
            return await _end(connection, approval_id)


async def _end(connection: Connection, approval_id: UUID) -> bool:
    """Ends one that can never run: its texts are gone, or cannot be read."""
    ended = [await approvals.close(connection, approval_id, State.EXPIRED, before) for before in _OPEN]
    return any(ended)


async def _finished(hub: Hub, resubmit: Resubmit, approval_id: UUID, owner: OwnerId, ring: KeyRing) -> bool:
    now = hub.clock.now()
    organisation = await organisation_of(hub, owner, EXPIRED)
    async with owner_scope(hub.pool, owner) as connection:
        kept = await approvals.load(connection, ring, approval_id, lock=True)
        if kept is None:
            return await _end(connection, approval_id)
        before = kept.approval.state
        if rules.seen_at(kept.approval, now).state is State.EXPIRED:
            if not await approvals.close(connection, approval_id, State.EXPIRED, before):
                return False
            why = NOT_USED if before is State.GRANTED else NOT_DECIDED
            text = f"Approval {kept.approval.digest[:8]} for {kept.approval.call.tool} {why}. Nothing was run."
            sender, to = agent_jid_of(kept), kept.approval.call.actor
            await outbox.put(connection, [notice(owner, derived_id(approval_id, "expired"), sender, to, text, now)])
            await ledger.append(connection, [_record(hub, kept, before, organisation)])
            return True
        granted_at = kept.approval.granted_at
        if before is not State.GRANTED or granted_at is None or now - granted_at < LATE:
            return False
    await resubmit(resumed(kept, now))
    return True


def _record(hub: Hub, kept: Kept, before: State, organisation: UUID | None) -> Record:
    return Record(
        id=derived_id(kept.approval.id, EXPIRED),
        owner=kept.owner,
        event_type=EXPIRED,
        severity="warning",
        details={
            "approval_id": str(kept.approval.id),
            "digest": kept.approval.digest,
            "delivered": False,
            "state": str(before),
        },
        created_at=hub.clock.now(),
        actor=kept.approval.call.actor,
        request_id=kept.turn,
        organisation_id=organisation,
    )
