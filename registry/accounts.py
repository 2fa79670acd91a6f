"""Accounts: the users of SPEC 2.1, each with the data key of its tenant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from aiox.kernel.account import QuotaConfig
from aiox.kernel.ids import OwnerId
from aiox.kernel.jid import BareJid
from aiox.runtime.keyring import KeyRing
from aiox.runtime.postgres import Pool, owner_scope
from registry import tenants


class AccountExists(Exception):
    """The e-mail address or the JID belongs to another account already."""


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account to be stored. `password_hash` is an Argon2id string."""

    owner: OwnerId
    email: str
    jid: BareJid
    password_hash: str
    quota: QuotaConfig
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Login:
    """What is known before a password was checked."""

    owner: OwnerId
    jid: BareJid
    password_hash: str


async def create(pool: Pool, keys: KeyRing, account: NewAccount) -> None:
    """Stores an account and its tenant's first key, both or neither. Raises AccountExists."""
    try:
        async with owner_scope(pool, account.owner) as connection:
            await connection.execute(
                "INSERT INTO users (id, email, jid, password_hash, quota_config, created_at)"
                " VALUES ($1, $2, $3, $4, $5, $6)",
                account.owner,
                account.email,
                account.jid,
                account.password_hash,
                account.quota.model_dump_json(),
                account.created_at,
            )
            await tenants.add_first_key(connection, keys, account.owner, account.created_at)
    except asyncpg.UniqueViolationError:
        raise AccountExists(account.email) from None


async def find_login(pool: Pool, email: str) -> Login | None:
    """The account behind an e-mail address (lower case); None for unknown and deactivated ones. Gateway's role only."""
    row = await pool.fetchrow("SELECT user_id, jid, password_hash FROM find_login($1)", email)
    return None if row is None else Login(OwnerId(row["user_id"]), BareJid(row["jid"]), row["password_hash"])


async def is_active(pool: Pool, owner: OwnerId) -> bool:
    """Whether the account exists and is not deactivated: asked for every token, so that a lock-out holds at once."""
    async with owner_scope(pool, owner) as connection:
        found = await connection.fetchval("SELECT true FROM users WHERE id = $1 AND deactivated_at IS NULL", owner)
    return bool(found)


async def find_address(pool: Pool, owner: OwnerId) -> BareJid | None:
    """The JID of an account, for the orchestrator's alerts; None when it is gone."""
    found = await pool.fetchval("SELECT find_address($1)", owner)
    return None if found is None else BareJid(found)
