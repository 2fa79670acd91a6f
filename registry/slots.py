"""Who of several components carries which slot: advisory locks, which end with the connection that took them.

A slot is one link to the XMPP server and one share of the outbox. A member is a component that is alive.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import IntEnum

from aiox.runtime.postgres import LoneConnection


class Kind(IntEnum):
    """The two families of locks; each has the numbers from 1."""

    MEMBER = 0x41494F01
    SLOT = 0x41494F02


@dataclass(frozen=True, slots=True)
class Seen:
    """Which numbers are held by anyone now."""

    members: frozenset[int]
    slots: frozenset[int]


async def seen(connection: LoneConnection) -> Seen:
    """A look at the locks; takes none."""
    rows = await connection.fetch(
        "SELECT classid::bigint AS kind, objid::bigint AS number FROM pg_locks WHERE locktype = 'advisory' AND granted"
        " AND objsubid = 2 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    held = {(row["kind"], row["number"]) for row in rows}
    of = {kind: frozenset(number for one, number in held if one == kind) for kind in Kind}
    return Seen(of[Kind.MEMBER], of[Kind.SLOT])


async def take(connection: LoneConnection, kind: Kind, number: int) -> bool:
    """Takes a lock if nobody has it. It lasts as long as the connection."""
    taken: bool = await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", kind.value, number)
    return taken


async def give(connection: LoneConnection, kind: Kind, number: int) -> None:
    """Gives a lock back."""
    await connection.execute("SELECT pg_advisory_unlock($1, $2)", kind.value, number)


class SlotLocks:
    """The locks of this process, on one connection that is kept."""

    def __init__(self, connect: Callable[[], Awaitable[LoneConnection]]) -> None:
        self._connect = connect
        self._connection: LoneConnection | None = None

    @property
    def held(self) -> bool:
        """Whether the connection that took our locks still stands."""
        return self._connection is not None and not self._connection.is_closed()

    async def open(self) -> None:
        """Connects anew: what was held before is not any more. Raises what PostgreSQL raised."""
        self.drop()
        self._connection = await self._connect()

    def drop(self) -> None:
        """Gives up the connection at once, and with it all locks."""
        gone, self._connection = self._connection, None
        if gone is not None:
            gone.terminate()

    async def close(self) -> None:
        """Gives up the connection in good order, and with it all locks."""
        gone, self._connection = self._connection, None
        if gone is not None:
            await gone.close(timeout=1)

    async def seen(self) -> Seen:
        """Which numbers anyone holds. Raises when the store is away."""
        return await seen(self._there())

    async def take(self, kind: Kind, number: int) -> bool:
        """Takes a lock if nobody has it. Raises when the store is away."""
        return await take(self._there(), kind, number)

    async def give(self, kind: Kind, number: int) -> None:
        """Gives a lock back. Raises when the store is away."""
        await give(self._there(), kind, number)

    def _there(self) -> LoneConnection:
        if self._connection is None:
            raise ConnectionError("not connected")
        return self._connection
