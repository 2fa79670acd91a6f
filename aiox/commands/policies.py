"""Policies: look, check, publish, roll back, and ask what would happen.

The hub's policy belongs to hub admins and to the operator at the shell, an organisation's to its owners and admins.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID, uuid4

from pydantic import Field

from aiox.commands.fields import Fields
from aiox.commands.gate import authorise_related
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import hidden, refusal_of
from aiox.kernel.actions import Action
from aiox.kernel.canonical import Json
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import HUB_OWNER, OwnerId
from aiox.kernel.outcome import Refused
from aiox.runtime.postgres import Connection, owner_scope
from policy.access import Relation
from policy.cedar.level import MAX_BYTES, Fault, Level
from policy.ledger import Record
from registry import ledger, policies
from registry.policies import PolicyVersion

SHOWN: Final = 100
"""Versions at most."""
RULE_TEXT: Final = "P0 policy-text"
RULE_VERSION: Final = "P1 no-such-version"

ScopeName = Literal["hub"] | UUID
"""`hub`, or the id of an organisation."""


class WhichPolicy(Fields):
    """Whose policy."""

    scope: ScopeName = "hub"


class PolicyText(WhichPolicy):
    """A policy's text, in Cedar."""

    text: str = Field(max_length=MAX_BYTES)


class WhichVersion(WhichPolicy):
    """One version of a policy."""

    version: int = Field(ge=1, le=2**31 - 1)


@dataclass(frozen=True, slots=True)
class Checked:
    """What is wrong with a text; nothing when it may be published."""

    faults: tuple[Fault, ...]


async def show(hub: Hub, actor: Actor, fields: WhichPolicy) -> Sequence[PolicyVersion] | Refused:
    """The versions of a policy, newest first, at most SHOWN. NOT_FOUND for what is not the actor's to see."""
    no = await _refused(hub, actor, Action.POLICY_READ, fields.scope)
    if no is not None:
        return no
    async with _scope(hub, actor, fields.scope) as connection:
        return await policies.list_versions(connection, _id(fields.scope), SHOWN)


async def check(hub: Hub, actor: Actor, fields: PolicyText) -> Checked | Refused:
    """Whether a text could be published, and every reason why not. Changes nothing."""
    no = await _refused(hub, actor, Action.POLICY_CHECK, fields.scope)
    return no if no is not None else Checked(_faults(fields))


async def publish(hub: Hub, actor: Actor, fields: PolicyText) -> PolicyVersion | Refused:
    """Stores a text as a new version, which holds at once. BODY_INVALID names the first faults."""
    no = await _refused(hub, actor, Action.POLICY_PUBLISH, fields.scope)
    if no is not None:
        return no
    if faults := _faults(fields):
        said = "; ".join(f"{fault.rule or 'policy'}: {fault.why}" for fault in faults[:5])
        return Refused(ErrorCode.BODY_INVALID, said, (RULE_TEXT,))
    scope, now = _id(fields.scope), hub.clock.now()
    async with _scope(hub, actor, fields.scope) as connection:
        version = await policies.add_version(connection, scope, fields.text, actor.jid, now)
        return await _activated(hub, actor, connection, scope, version, "policy.published")


async def rollback(hub: Hub, actor: Actor, fields: WhichVersion) -> PolicyVersion | Refused:
    """Makes an older version hold again. NOT_FOUND when it is not there, BODY_INVALID when it no longer fits."""
    no = await _refused(hub, actor, Action.POLICY_ROLLBACK, fields.scope)
    if no is not None:
        return no
    scope = _id(fields.scope)
    async with _scope(hub, actor, fields.scope) as connection:
        found = await policies.find_version(connection, scope, fields.version)
        if found is None:
            return Refused(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.NOT_FOUND], (RULE_VERSION,))
        if not isinstance(policies.compiled(scope, found.version, found.text), Level):
            return Refused(ErrorCode.BODY_INVALID, "This version does not fit this release any more.", (RULE_TEXT,))
        return await _activated(hub, actor, connection, scope, found.version, "policy.rolled_back")


async def _activated(
    hub: Hub, actor: Actor, connection: Connection, scope: UUID, version: int, event: str
) -> PolicyVersion:
    now = hub.clock.now()
    await policies.activate(connection, scope, version, now)
    found = await policies.find_version(connection, scope, version)
    if found is None:
        raise RuntimeError("a version that was just made to hold is there")
    details: dict[str, Json] = {"scope": str(scope), "version": version, "digest": found.digest}
    record = Record(uuid4(), _owner(actor, scope), event, "warning", details, now, actor.jid, None, None, _about(scope))
    await ledger.append(connection, [record])
    return found


def _faults(fields: PolicyText) -> tuple[Fault, ...]:
    found = policies.compiled(_id(fields.scope), 1, fields.text)
    return () if isinstance(found, Level) else tuple(found)


async def _refused(hub: Hub, actor: Actor, action: Action, scope: ScopeName) -> Refused | None:
    relation = await _relation(hub, actor, scope)
    about = None if relation is Relation.NONE else _about(_id(scope))
    verdict = await authorise_related(hub, actor, action, relation, _owner(actor, _id(scope)), about)
    return hidden(refusal_of(verdict))


async def _relation(hub: Hub, actor: Actor, scope: ScopeName) -> Relation:
    """What the actor is to the policy: the operator owns the hub's; else it is their role, there or here."""
    if scope == "hub":
        if actor.owner == HUB_OWNER and actor.jid:
            return Relation.OWNER
        return Relation(actor.hub_role) if actor.hub_role else Relation.NONE
    async with owner_scope(hub.pool, actor.owner) as connection:
        role = await policies.role_in(connection, scope)
    return Relation(f"org_{role}") if role else Relation.NONE


def _scope(hub: Hub, actor: Actor, scope: ScopeName) -> AbstractAsyncContextManager[Connection]:
    return owner_scope(hub.pool, HUB_OWNER if scope == "hub" else actor.owner)


def _owner(actor: Actor, scope: UUID) -> OwnerId:
    return HUB_OWNER if scope == HUB_OWNER else actor.owner


def _about(scope: UUID) -> UUID | None:
    """The organisation whose policy it is; None for the hub's."""
    return None if scope == HUB_OWNER else scope


def _id(scope: ScopeName) -> UUID:
    return HUB_OWNER if scope == "hub" else scope
