"""Rooms (XEP-0045) that agents are in: kept, so that they are there again after a restart (revision 0029)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from aiox.kernel.ids import AgentId, OwnerId
from aiox.kernel.jid import BareJid
from aiox.runtime.postgres import Pool, owner_scope

MOST: Final = 50
"""Rooms of one agent."""


class RoomState(StrEnum):
    """Whether an agent is in a room, or why not."""

    JOINED = "joined"
    LEFT = "left"
    KICKED = "kicked"
    BANNED = "banned"
    CLOSED = "closed"
    """It is gone, or lets the agent in no more."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an agent has to be. `whole_context`: what others say there is read, too."""

    agent: AgentId
    address: BareJid
    room: BareJid
    nick: str
    whole_context: bool


@dataclass(frozen=True, slots=True)
class Room:
    """A room of an agent, for its owner."""

    jid: BareJid
    nick: str
    whole_context: bool
    state: RoomState
    created_at: datetime


async def to_be_in(pool: Pool) -> Sequence[Place]:
    """Where agents have to be now, as long as the room may talk to the agent. For the component's role only."""
    rows = await pool.fetch("SELECT * FROM rooms_to_be_in()")
    return [
        Place(AgentId(row["agent_id"]), row["address"], row["room"], row["nick"], row["whole_context"]) for row in rows
    ]


async def ended(pool: Pool, place: Place, state: RoomState) -> OwnerId | None:
    """The room has sent an agent away. Returns its owner; None when it was not there. For the component's role only."""
    owner = await pool.fetchval("SELECT room_ended($1, $2, $3)", place.agent, place.room, state)
    return None if owner is None else OwnerId(owner)


async def join(pool: Pool, owner: OwnerId, agent: AgentId, room: BareJid, nick: str, now: datetime) -> bool:
    """Puts down that an agent is to be in a room, again after it was sent away. False when it has too many."""
    async with owner_scope(pool, owner) as connection:
        count = await connection.fetchval(
            "SELECT count(*) FROM agent_rooms WHERE owner_user_id = $1 AND agent_id = $2 AND state = 'joined'"
            " AND room <> $3",
            owner,
            agent,
            room,
        )
        if count >= MOST:
            return False
        await connection.execute(
            "INSERT INTO agent_rooms (owner_user_id, agent_id, room, nick, created_at) VALUES ($1, $2, $3, $4, $5)"
            " ON CONFLICT (agent_id, room) DO UPDATE SET state = 'joined', nick = EXCLUDED.nick",
            owner,
            agent,
            room,
            nick,
            now,
        )
    return True


async def leave(pool: Pool, owner: OwnerId, agent: AgentId, room: BareJid) -> bool:
    """Puts down that an agent is not to be in a room any more. False when it was not."""
    async with owner_scope(pool, owner) as connection:
        done = await connection.execute(
            "UPDATE agent_rooms SET state = 'left'"
            " WHERE owner_user_id = $1 AND agent_id = $2 AND room = $3 AND state = 'joined'",
            owner,
            agent,
            room,
        )
    return done != "UPDATE 0"


async def read_all(pool: Pool, owner: OwnerId, agent: AgentId, room: BareJid, *, whole: bool) -> bool:
    """Sets whether what is said to others there is read, too. False when the agent never was in this room."""
    async with owner_scope(pool, owner) as connection:
        done = await connection.execute(
            "UPDATE agent_rooms SET whole_context = $4 WHERE owner_user_id = $1 AND agent_id = $2 AND room = $3",
            owner,
            agent,
            room,
            whole,
        )
    return done != "UPDATE 0"


async def of_agent(pool: Pool, owner: OwnerId, agent: AgentId) -> Sequence[Room]:
    """The rooms of one of this owner's agents, those it was sent away from too, by address."""
    async with owner_scope(pool, owner) as connection:
        rows = await connection.fetch(
            "SELECT room, nick, whole_context, state, created_at FROM agent_rooms"
            " WHERE owner_user_id = $1 AND agent_id = $2 ORDER BY room",
            owner,
            agent,
        )
    return [
        Room(row["room"], row["nick"], row["whole_context"], RoomState(row["state"]), row["created_at"]) for row in rows
    ]
