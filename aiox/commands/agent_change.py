"""One change of an agent: past the gate, under the agent's lock, on the state that the caller has seen, on record."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeVar
from uuid import uuid4

from aiox.commands.gate import organisation_of
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused_agent
from aiox.kernel.actions import Action
from aiox.kernel.canonical import Json
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from aiox.runtime.keyring import KeyRing
from aiox.runtime.postgres import Connection, owner_scope
from policy.ledger import Record
from registry import agent_changes, ledger, tenants
from registry.agent_changes import AliasTaken, Held

IsCurrent = Callable[[int], bool]
"""Whether the agent's revision is the one that the caller means to change."""
Result = TypeVar("Result")

UNKNOWN: Final = Refused(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.NOT_FOUND], ("G0 unknown",))
STALE: Final = Refused(ErrorCode.PRECONDITION_FAILED, SENTENCES[ErrorCode.PRECONDITION_FAILED], ("G1 changed",))
TAKEN: Final = Refused(
    ErrorCode.CONFLICT, "This alias is, or was once, the address of another agent. Choose another.", ("G2 taken",)
)


def any_revision(_revision: int) -> bool:
    """Whatever the state is, it is to be changed."""
    return True


@dataclass(frozen=True, slots=True)
class Change:
    """What a change works with: a transaction in the owner's scope, in which the agent is locked."""

    hub: Hub
    actor: Actor
    connection: Connection
    ring: KeyRing
    held: Held
    now: datetime

    async def done(self, event: str, details: Mapping[str, Json]) -> int:
        """Counts the change and puts it on record, last in the transaction. Returns the new revision."""
        revision = await agent_changes.touch(self.connection, self.held.owner, self.held.id)
        record = await changed(self.hub, self.actor, event, self.held.id, {**details, "revision": revision})
        await ledger.append(self.connection, [record])
        return revision


async def change(
    hub: Hub,
    actor: Actor,
    action: Action,
    agent_id: AgentId,
    is_current: IsCurrent,
    work: Callable[[Change], Awaitable[Result | Refused]],
) -> Result | Refused:
    """Does `work`, which refuses before it has written anything, in one transaction.

    NOT_FOUND for unknown, deleted and foreign agents alike; PRECONDITION_FAILED for another revision than the
    caller's; CONFLICT for an alias of another agent.
    """
    no = await refused_agent(hub, actor, action, agent_id)
    if no is not None:
        return no
    try:
        async with owner_scope(hub.pool, actor.owner) as connection:
            held = await agent_changes.hold(connection, actor.owner, agent_id)
            if held is None:  # deleted since the gate looked
                return UNKNOWN
            if not is_current(held.revision):
                return STALE
            ring = await tenants.ring_of(connection, hub.keys, actor.owner)
            return await work(Change(hub, actor, connection, ring, held, hub.clock.now()))
    except AliasTaken:
        return TAKEN


async def changed(hub: Hub, actor: Actor, event: str, agent_id: AgentId, details: Mapping[str, Json]) -> Record:
    """The ledger row of a change: ids, numbers and digests, no texts."""
    return Record(
        id=uuid4(),
        owner=actor.owner,
        event_type=event,
        severity="info",
        details={"agent_id": str(agent_id), **details},
        created_at=hub.clock.now(),
        actor=actor.jid,
        organisation_id=await organisation_of(hub, actor.owner, event),
    )
