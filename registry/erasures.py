"""The end of a person's data (SPEC 5): what is deleted, and what keeps anything from coming back (revision 0012).

An erasure begins with a mark, from which on the database takes no row of, or about, this person; then everything is
deleted in one transaction. Turns that were under way come to their end without leaving anything. While they may be, the
orchestrator clears short-term memory and its own caches again and again; then it finishes the erasure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import asyncpg
from redis.asyncio import Redis
from redis.exceptions import RedisError

from aiox.kernel.ids import AgentId, OwnerId
from aiox.kernel.jid import BareJid
from aiox.runtime.postgres import Pool
from registry.short_term import key

GUEST_CLOSED_H: Final = 1
"""How long a guest who was erased is a stranger to every agent, in hours; after that they may begin anew."""
DELETE_S: Final = 300.0
"""How long deleting may take, in seconds."""


class OrganisationNeedsOwner(Exception):
    """The account is the only owner of an organisation that has other members."""


class CachesAway(Exception):
    """Redis does not answer: short-term memory could not be cleared yet."""


class NotBegun(Exception):
    """Nothing is deleted of a person for whom no erasure was begun."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody the hub knows: an account, or a guest who is nothing but an address."""

    jid: BareJid
    account: OwnerId | None
    email: str = ""
    needed: bool = False
    """The only owner of an organisation that has other members."""


@dataclass(slots=True)
class OpenErasure:
    """An erasure that is not finished. `age_s` in seconds; `conversations` of short-term memory: owner, agent, subject.

    `erased` is false when it broke off between the mark and the deletion.
    """

    id: UUID
    person: Person
    erased: bool
    age_s: float
    conversations: list[tuple[OwnerId, AgentId, str]] = field(default_factory=list)


async def find_person(pool: Pool, jid: BareJid) -> Person:
    """Who speaks from a bare JID. For the gateway's role only."""
    row = await pool.fetchrow("SELECT user_id, email, needed FROM find_subject($1)", jid)
    return Person(jid, None) if row is None else Person(jid, OwnerId(row["user_id"]), row["email"], row["needed"])


async def begin(pool: Pool, erasure: UUID, person: Person) -> None:
    """Closes the hub to this person: sessions end, agents are gone, nothing of them is stored any more.

    Again is a no-op. Raises OrganisationNeedsOwner.
    """
    try:
        await pool.execute("SELECT begin_erasure($1, $2, $3, $4)", erasure, person.account, person.jid, GUEST_CLOSED_H)
    except asyncpg.ObjectInUseError:
        raise OrganisationNeedsOwner from None


async def erase(pool: Pool, person: Person) -> int:
    """Deletes all rows, in one transaction; returns how many. Again is a no-op. Raises NotBegun."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(f"SET LOCAL statement_timeout = '{DELETE_S:.0f}s'")
        try:
            gone = await connection.fetchval(
                "SELECT erase_person($1, $2)", person.account, person.jid, timeout=DELETE_S
            )
        except asyncpg.ObjectNotInPrerequisiteStateError:
            raise NotBegun(person.account) from None
    return int(gone)


async def find_open(pool: Pool) -> Sequence[OpenErasure]:
    """Erasures that are not finished, each with the conversations to clear. For the orchestrator's role only."""
    found: dict[UUID, OpenErasure] = {}
    for row in await pool.fetch("SELECT * FROM open_erasures()"):
        account = None if row["account"] is None else OwnerId(row["account"])
        person = Person(BareJid(row["jid"]), account)
        erasure = found.setdefault(row["id"], OpenErasure(row["id"], person, row["erased"], row["age_s"]))
        if row["agent_id"] is not None:
            erasure.conversations.append((OwnerId(row["owner_user_id"]), AgentId(row["agent_id"]), row["sender_jid"]))
    return list(found.values())


async def clear_short_term(redis: Redis, erasure: OpenErasure) -> None:
    """Deletes what Redis remembers of these conversations. Raises CachesAway."""
    keys = {key(*conversation) for conversation in erasure.conversations}
    try:
        if keys:
            await redis.delete(*keys)
    except (RedisError, OSError) as gone:
        raise CachesAway(repr(gone)) from gone


async def finish(pool: Pool, erasure: UUID) -> None:
    """Nothing of this person can be under way any more: the last traces of the address go. Again is a no-op."""
    await pool.execute("SELECT finish_erasure($1)", erasure)
