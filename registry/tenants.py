"""Data keys of tenants, each wrapped by the hub's key (SPEC 5). The newest seals, the older ones still open.

Read a ciphertext first and the ring after it: a key is stored before anything is sealed with it, so a ring that was
read later always opens what was read before.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from aiox.kernel.ids import HUB_OWNER, OwnerId
from aiox.runtime.keyring import KeyRing
from aiox.runtime.postgres import Connection, Pool, owner_scope

FIRST_KEY = 1


class TenantKeyMissing(Exception):
    """The account has no data key. It was not made by this hub, or the database was changed by hand."""


async def add_first_key(connection: Connection, keys: KeyRing, owner: OwnerId, now: datetime) -> None:
    """Gives a new account its data key. `connection` is in the owner's scope."""
    await connection.execute(
        "INSERT INTO tenant_keys (owner_user_id, number, wrapped, created_at) VALUES ($1, $2, $3, $4)",
        owner,
        FIRST_KEY,
        keys.new_data_key(owner),
        now,
    )


async def ensure_key(connection: Connection, keys: KeyRing, owner: OwnerId, now: datetime) -> None:
    """Gives a tenant without an account behind it (an organisation) its data key, if it has none yet."""
    if not await connection.fetchval("SELECT EXISTS (SELECT FROM tenant_keys WHERE owner_user_id = $1)", owner):
        await add_first_key(connection, keys, owner, now)


async def load_ring(pool: Pool, keys: KeyRing, owner: OwnerId) -> KeyRing:
    """The tenant's key ring, the newest key current. Raises TenantKeyMissing, and CannotOpen for a foreign hub key."""
    async with owner_scope(pool, owner) as connection:
        return await ring_of(connection, keys, owner)


async def ring_of(connection: Connection, keys: KeyRing, owner: OwnerId) -> KeyRing:
    """The same inside a transaction that is in the owner's scope already. The hub's own tenant has the hub's ring."""
    if owner == HUB_OWNER:
        return keys
    rows = await connection.fetch("SELECT number, wrapped FROM tenant_keys WHERE owner_user_id = $1", owner)
    return unwrapped(keys, owner, {int(row["number"]): bytes(row["wrapped"]) for row in rows})


def unwrapped(keys: KeyRing, owner: OwnerId, wrapped: Mapping[int, bytes]) -> KeyRing:
    """The ring that a tenant's wrapped keys make. Raises TenantKeyMissing, and CannotOpen for a foreign hub key."""
    if not wrapped:
        raise TenantKeyMissing(str(owner))
    return keys.tenant_ring(owner, wrapped, max(wrapped))
