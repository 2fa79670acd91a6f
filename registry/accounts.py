"""Accounts: the users of SPEC 2.1, each with the data key of its tenant."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from aiox.kernel.account import HubRole, QuotaConfig
from aiox.kernel.ids import OwnerId
from aiox.kernel.jid import BareJid
from aiox.runtime.keyring import KeyRing
from aiox.runtime.postgres import Connection, Pool, owner_scope
from registry import tenants


class AccountExists(Exception):
    """The e-mail address or the JID belongs to another account already. `name` says that it is the JID."""

    def __init__(self, *, name: bool) -> None:
        super().__init__("the name is taken" if name else "the e-mail address is taken")
        self.name = name


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account to be stored. `password_hash` is an Argon2id string.

    `confirmed_at` is None until the e-mail address is confirmed. `in_step` says whether the XMPP server has the same
    password; if not, the first sign-in brings it there.
    """

    owner: OwnerId
    email: str
    jid: BareJid
    password_hash: str
    quota: QuotaConfig
    created_at: datetime
    confirmed_at: datetime | None = None
    in_step: bool = True


@dataclass(frozen=True, slots=True)
class Login:
    """What is known before a password was checked."""

    owner: OwnerId
    jid: BareJid
    password_hash: str


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account as its holder and the operator see it. `hub_role` is None for most."""

    owner: OwnerId
    email: str
    jid: BareJid
    hub_role: HubRole | None
    second_factor: bool
    created_at: datetime
    confirmed_at: datetime | None
    deactivated_at: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What sign-in asks once the password was right."""

    confirmed: bool
    in_step: bool


async def create(pool: Pool, keys: KeyRing, account: NewAccount) -> None:
    """Stores an account and its tenant's first key, both or neither. Raises AccountExists."""
    try:
        async with owner_scope(pool, account.owner) as connection:
            await connection.execute(
                "INSERT INTO users (id, email, jid, password_hash, quota_config, created_at, confirmed_at,"
                " xmpp_password) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                account.owner,
                account.email,
                account.jid,
                account.password_hash,
                account.quota.model_dump_json(),
                account.created_at,
                account.confirmed_at,
                "same" if account.in_step else "unsure",
            )
            await tenants.add_first_key(connection, keys, account.owner, account.created_at)
    except asyncpg.UniqueViolationError as taken:
        raise AccountExists(name="jid" in (taken.constraint_name or "")) from None


async def find_login(pool: Pool, email: str) -> Login | None:
    """The account behind an e-mail address (lower case); None for unknown and deactivated ones. Gateway's role only."""
    row = await pool.fetchrow("SELECT user_id, jid, password_hash FROM find_login($1)", email)
    return None if row is None else Login(OwnerId(row["user_id"]), BareJid(row["jid"]), row["password_hash"])


async def load_password(pool: Pool, owner: OwnerId) -> str | None:
    """The Argon2id string of one account; None when it is deactivated or gone."""
    async with owner_scope(pool, owner) as connection:
        found: str | None = await connection.fetchval(
            "SELECT password_hash FROM users WHERE id = $1 AND deactivated_at IS NULL", owner
        )
    return found


async def load_standing(pool: Pool, owner: OwnerId) -> Standing:
    """Whether the address is confirmed and the XMPP server has the hub's password."""
    async with owner_scope(pool, owner) as connection:
        row = await connection.fetchrow(
            "SELECT confirmed_at IS NOT NULL AS confirmed, xmpp_password = 'same' AS in_step FROM users WHERE id = $1",
            owner,
        )
    return Standing(bool(row and row["confirmed"]), bool(row and row["in_step"]))


async def is_active(pool: Pool, owner: OwnerId) -> bool:
    """Whether the account exists and is not deactivated."""
    async with owner_scope(pool, owner) as connection:
        found = await connection.fetchval("SELECT true FROM users WHERE id = $1 AND deactivated_at IS NULL", owner)
    return bool(found)


async def find_address(pool: Pool, owner: OwnerId) -> BareJid | None:
    """The JID of an account, for the orchestrator's alerts; None when it is gone."""
    found = await pool.fetchval("SELECT find_address($1)", owner)
    return None if found is None else BareJid(found)


async def find_all(pool: Pool, email: str | None = None, limit: int = 1000) -> Sequence[AccountRow]:
    """Accounts across owners, deactivated ones too, oldest first; with `email` that one. For the operator."""
    rows = await pool.fetch("SELECT * FROM find_accounts($1, $2)", email, limit)
    return [_row(row) for row in rows]


async def load(pool: Pool, owner: OwnerId) -> AccountRow | None:
    """One account, in its own scope."""
    async with owner_scope(pool, owner) as connection:
        row = await connection.fetchrow(
            "SELECT id AS user_id, email, jid, hub_role, created_at, confirmed_at, deactivated_at,"
            " EXISTS (SELECT FROM second_factors WHERE owner_user_id = $1 AND confirmed_at IS NOT NULL)"
            " AS second_factor FROM users WHERE id = $1",
            owner,
        )
    return None if row is None else _row(row)


async def password_begins_to_change(connection: Connection, owner: OwnerId) -> None:
    """Marks that the XMPP server may soon have another password than the hub."""
    await connection.execute("UPDATE users SET xmpp_password = 'unsure' WHERE id = $1", owner)


@asynccontextmanager
async def password_lock(pool: Pool, owner: OwnerId) -> AsyncIterator[tuple[Connection, str]]:
    """The account's password hash, held until the block ends: two changes reach both places in the same order."""
    async with owner_scope(pool, owner) as connection:
        stored = await connection.fetchval("SELECT password_hash FROM users WHERE id = $1 FOR UPDATE", owner)
        yield connection, stored or ""


async def password_is(connection: Connection, owner: OwnerId, password_hash: str) -> None:
    """Stores the hash of the password that the XMPP server has. `connection` is of `password_lock`."""
    await connection.execute(
        "UPDATE users SET password_hash = $2, xmpp_password = 'same' WHERE id = $1", owner, password_hash
    )


async def replace_unconfirmed(pool: Pool, owner: OwnerId, password_hash: str) -> bool:
    """A second sign-up with an address that was never confirmed: the newest password counts. False once confirmed."""
    async with owner_scope(pool, owner) as connection:
        replaced = await connection.fetchval(
            "UPDATE users SET password_hash = $2, xmpp_password = 'unsure'"
            " WHERE id = $1 AND confirmed_at IS NULL AND deactivated_at IS NULL RETURNING true",
            owner,
            password_hash,
        )
    return bool(replaced)


async def confirm(connection: Connection, owner: OwnerId, now: datetime) -> None:
    """The e-mail address is the person's own. Again is a no-op."""
    await connection.execute("UPDATE users SET confirmed_at = coalesce(confirmed_at, $2) WHERE id = $1", owner, now)


async def set_hub_role(pool: Pool, owner: OwnerId, role: HubRole | None) -> None:
    """Gives or takes a role on the hub itself."""
    async with owner_scope(pool, owner) as connection:
        await connection.execute("UPDATE users SET hub_role = $2 WHERE id = $1", owner, role)


async def set_active(pool: Pool, owner: OwnerId, *, active: bool, now: datetime) -> None:
    """Deactivates an account or lets it in again."""
    async with owner_scope(pool, owner) as connection:
        await connection.execute("UPDATE users SET deactivated_at = $2 WHERE id = $1", owner, None if active else now)


def _row(row: asyncpg.Record) -> AccountRow:
    return AccountRow(
        owner=OwnerId(row["user_id"]),
        email=row["email"],
        jid=BareJid(row["jid"]),
        hub_role=HubRole(row["hub_role"]) if row["hub_role"] else None,
        second_factor=row["second_factor"],
        created_at=row["created_at"],
        confirmed_at=row["confirmed_at"],
        deactivated_at=row["deactivated_at"],
    )
