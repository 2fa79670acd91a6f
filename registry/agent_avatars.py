"""Images of agents, each stored once under its digest. In clear: an avatar is there to be seen."""

from __future__ import annotations

from datetime import datetime

from aiox.kernel.avatar import Image
from aiox.kernel.ids import AgentId, OwnerId
from aiox.runtime.postgres import Connection


async def put(connection: Connection, owner: OwnerId, agent_id: AgentId, image: Image, now: datetime) -> None:
    """Stores an image, once."""
    await connection.execute(
        "INSERT INTO agent_avatars (owner_user_id, agent_id, ref, media_type, image, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        owner,
        agent_id,
        image.ref,
        image.media_type,
        image.data,
        now,
    )


async def find(connection: Connection, owner: OwnerId, agent_id: AgentId, ref: str) -> Image | None:
    """The image of that name; None when there is none."""
    row = await connection.fetchrow(
        "SELECT media_type, image FROM agent_avatars WHERE owner_user_id = $1 AND agent_id = $2 AND ref = $3",
        owner,
        agent_id,
        ref,
    )
    return None if row is None else Image(row["media_type"], bytes(row["image"]))


async def drop_unused(connection: Connection, owner: OwnerId, agent_id: AgentId) -> None:
    """Deletes images that neither a version nor the draft shows."""
    await connection.execute(
        "DELETE FROM agent_avatars i WHERE i.owner_user_id = $1 AND i.agent_id = $2 AND i.ref NOT IN ("
        " SELECT v.spec -> 'profile' ->> 'avatar' FROM agent_versions v WHERE v.agent_id = $2"
        " UNION ALL SELECT d.spec -> 'profile' ->> 'avatar' FROM agent_drafts d WHERE d.agent_id = $2)",
        owner,
        agent_id,
    )
