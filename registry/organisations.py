"""Organisations, their members and invitations, each call in the scope of the member who asks (revision 0008)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import asyncpg

from aiox.kernel.account import OrgRole
from aiox.kernel.ids import OwnerId
from aiox.kernel.jid import BareJid
from aiox.runtime.postgres import Connection, Pool, owner_scope

INVITATION: Final = timedelta(days=7)
"""How long an invitation can be accepted."""


class LastOwner(Exception):
    """An organisation keeps at least one owner."""


@dataclass(frozen=True, slots=True)
class Organisation:
    """One that the person is a member of, with their role in it."""

    id: UUID
    name: str
    role: OrgRole
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in an organisation."""

    user_id: OwnerId
    jid: BareJid
    role: OrgRole
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Invitation:
    """One that was sent and can still be accepted."""

    id: UUID
    email: str
    role: OrgRole
    created_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class NewInvitation:
    """An invitation to be stored."""

    id: UUID
    organisation: UUID
    email: str
    role: OrgRole
    digest: bytes
    now: datetime


@dataclass(frozen=True, slots=True)
class Open:
    """What an invitation's token says before anybody has accepted it."""

    organisation: UUID
    email: str
    role: OrgRole


@dataclass(frozen=True, slots=True)
class Joined:
    """Where the person is a member now, and as what."""

    organisation: UUID
    role: OrgRole


async def found(pool: Pool, owner: OwnerId, organisation: UUID, name: str, now: datetime) -> None:
    """A new organisation; `owner` is its first owner."""
    async with owner_scope(pool, owner) as connection:
        await connection.execute("SELECT found_organisation($1, $2, $3)", organisation, name, now)


async def list_of(pool: Pool, owner: OwnerId) -> Sequence[Organisation]:
    """The organisations that this person is a member of, oldest first."""
    async with owner_scope(pool, owner) as connection:
        rows = await connection.fetch(
            "SELECT o.id, o.name, m.role, o.created_at FROM organisations o"
            " JOIN memberships m ON m.organisation_id = o.id AND m.user_id = $1 ORDER BY o.created_at, o.id",
            owner,
        )
    return [Organisation(row["id"], row["name"], OrgRole(row["role"]), row["created_at"]) for row in rows]


async def role_in(pool: Pool, owner: OwnerId, organisation: UUID) -> OrgRole | None:
    """The person's role there; None for unknown organisations and foreign ones alike."""
    async with owner_scope(pool, owner) as connection:
        role = await connection.fetchval("SELECT role_in($1)", organisation)
    return OrgRole(role) if role else None


async def rename(pool: Pool, owner: OwnerId, organisation: UUID, name: str) -> None:
    """Gives it another name. No effect for who may not."""
    async with owner_scope(pool, owner) as connection:
        await connection.execute("UPDATE organisations SET name = $2 WHERE id = $1", organisation, name)


async def list_members(pool: Pool, owner: OwnerId, organisation: UUID) -> Sequence[Member]:
    """Who is in it, the longest first; nobody for who is not."""
    async with owner_scope(pool, owner) as connection:
        rows = await connection.fetch("SELECT * FROM find_members($1)", organisation)
    return [
        Member(OwnerId(row["user_id"]), BareJid(row["jid"]), OrgRole(row["role"]), row["created_at"]) for row in rows
    ]


async def set_role(pool: Pool, owner: OwnerId, organisation: UUID, user: OwnerId, role: OrgRole) -> bool:
    """Gives a member another role. False when there is no such member, or who asks may not. Raises LastOwner."""
    try:
        async with owner_scope(pool, owner) as connection:
            await _one_at_a_time(connection, organisation)
            changed = await connection.fetchval(
                "UPDATE memberships SET role = $3 WHERE organisation_id = $1 AND user_id = $2 RETURNING true",
                organisation,
                user,
                role,
            )
            await _keep_an_owner(connection, organisation)
    except asyncpg.InsufficientPrivilegeError:  # the new row breaks the rule: only owners make owners
        return False
    return bool(changed)


async def remove(pool: Pool, owner: OwnerId, organisation: UUID, user: OwnerId) -> bool:
    """Takes a member out. False when there is no such member, or who asks may not. Raises LastOwner."""
    async with owner_scope(pool, owner) as connection:
        await _one_at_a_time(connection, organisation)
        if user == owner:  # afterwards they see nobody there
            await _keep_an_owner(connection, organisation, without=user)
        removed = await connection.fetchval(
            "DELETE FROM memberships WHERE organisation_id = $1 AND user_id = $2 RETURNING true", organisation, user
        )
        if user != owner:
            await _keep_an_owner(connection, organisation)
    return bool(removed)


async def invite(pool: Pool, owner: OwnerId, new: NewInvitation) -> bool:
    """Stores an invitation in place of an older one to the same address. False when who asks may not."""
    try:
        async with owner_scope(pool, owner) as connection:
            await connection.execute(
                "DELETE FROM invitations WHERE organisation_id = $1 AND email = $2 AND accepted_at IS NULL",
                new.organisation,
                new.email,
            )
            await connection.execute(
                "INSERT INTO invitations (id, organisation_id, email, role, hash, invited_by, created_at, expires_at)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                new.id,
                new.organisation,
                new.email,
                new.role,
                new.digest,
                owner,
                new.now,
                new.now + INVITATION,
            )
    except asyncpg.InsufficientPrivilegeError:
        return False
    return True


async def list_invitations(pool: Pool, owner: OwnerId, organisation: UUID, now: datetime) -> Sequence[Invitation]:
    """Those that can still be accepted, newest first; none for who may not see them."""
    async with owner_scope(pool, owner) as connection:
        rows = await connection.fetch(
            "SELECT id, email, role, created_at, expires_at FROM invitations"
            " WHERE organisation_id = $1 AND accepted_at IS NULL AND expires_at > $2 ORDER BY created_at DESC, id",
            organisation,
            now,
        )
    return [
        Invitation(row["id"], row["email"], OrgRole(row["role"]), row["created_at"], row["expires_at"]) for row in rows
    ]


async def withdraw(pool: Pool, owner: OwnerId, organisation: UUID, invitation: UUID) -> bool:
    """Takes an invitation back. False when there is none, or who asks may not."""
    async with owner_scope(pool, owner) as connection:
        gone = await connection.fetchval(
            "DELETE FROM invitations WHERE organisation_id = $1 AND id = $2 AND accepted_at IS NULL RETURNING true",
            organisation,
            invitation,
        )
    return bool(gone)


async def find_invitation(pool: Pool, digest: bytes, now: datetime) -> Open | None:
    """The invitation behind a token's digest, before it is known who asks; None for used and old ones."""
    row = await pool.fetchrow("SELECT * FROM find_invitation($1, $2)", digest, now)
    return None if row is None else Open(row["organisation_id"], row["email"], OrgRole(row["role"]))


async def accept(pool: Pool, owner: OwnerId, digest: bytes, now: datetime) -> Joined | None:
    """Joins. None for a token that is unknown, used, too old, or for another address; a member keeps their role."""
    async with owner_scope(pool, owner) as connection:
        row = await connection.fetchrow("SELECT * FROM accept_invitation($1, $2)", digest, now)
    return None if row is None else Joined(row["organisation_id"], OrgRole(row["role"]))


async def _one_at_a_time(connection: Connection, organisation: UUID) -> None:
    """Two owners who make each other members at once would leave none."""
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 8))", str(organisation))


async def _keep_an_owner(connection: Connection, organisation: UUID, without: OwnerId | None = None) -> None:
    left = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM memberships WHERE organisation_id = $1 AND role = 'owner'"
        " AND user_id IS DISTINCT FROM $2)",
        organisation,
        without,
    )
    if not left:
        raise LastOwner(str(organisation))
