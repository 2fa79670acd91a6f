"""The one draft of an agent: what its next version will be. Absent while nothing differs from what was published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from aiox.kernel.agent import AgentSpec
from aiox.kernel.ids import AgentId, OwnerId
from aiox.runtime.keyring import KeyRing, Place
from aiox.runtime.postgres import Connection


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft in clear; `base` is the number of the version that it began from."""

    spec: AgentSpec
    system_prompt: str
    base: int
    changed_at: datetime


async def load(connection: Connection, ring: KeyRing, owner: OwnerId, agent_id: AgentId) -> Draft | None:
    """The draft; None when there is none. Raises CannotOpen."""
    row = await connection.fetchrow(
        "SELECT spec, system_prompt, base_number, created_at FROM agent_drafts"
        " WHERE owner_user_id = $1 AND agent_id = $2",
        owner,
        agent_id,
    )
    if row is None:
        return None
    prompt = ring.open(bytes(row["system_prompt"]), _place(owner, agent_id)).decode()
    return Draft(AgentSpec.model_validate_json(row["spec"]), prompt, row["base_number"], row["created_at"])


async def save(connection: Connection, ring: KeyRing, owner: OwnerId, agent_id: AgentId, draft: Draft) -> None:
    """Stores the draft in place of the one before."""
    await connection.execute(
        "INSERT INTO agent_drafts (agent_id, owner_user_id, spec, system_prompt, base_number, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (agent_id) DO UPDATE SET spec = EXCLUDED.spec,"
        " system_prompt = EXCLUDED.system_prompt, base_number = EXCLUDED.base_number, created_at = EXCLUDED.created_at",
        agent_id,
        owner,
        draft.spec.model_dump_json(),
        ring.seal(draft.system_prompt.encode(), _place(owner, agent_id)),
        draft.base,
        draft.changed_at,
    )


async def discard(connection: Connection, owner: OwnerId, agent_id: AgentId) -> bool:
    """Throws the draft away. False when there was none."""
    done = await connection.execute(
        "DELETE FROM agent_drafts WHERE owner_user_id = $1 AND agent_id = $2", owner, agent_id
    )
    return done != "DELETE 0"


def _place(owner: OwnerId, agent_id: AgentId) -> Place:
    return Place(owner, "agent_drafts", "system_prompt", agent_id)
