"""Reads an agent's draft, and what it or any version changes against another: for the owner only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from aiox.commands.agent_change import UNKNOWN
from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused_agent
from aiox.kernel.actions import Action
from aiox.kernel.agent import AgentSpec
from aiox.kernel.changes import Change, changes, unified
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from aiox.runtime.keyring import KeyRing
from aiox.runtime.postgres import Connection, owner_scope
from registry import agent_changes, agent_drafts, agent_versions, tenants
from registry.agent_changes import Held
from registry.agent_drafts import Draft

READ: Final = Action.DRAFT_READ
DIFF: Final = Action.AGENT_DIFF
NO_DRAFT_HERE: Final = Refused(
    ErrorCode.NOT_FOUND, "There is no draft: nothing differs from what is active.", ("V0 draft",)
)

Side = Annotated[int, Field(ge=1, le=1_000_000)] | Literal["active", "draft"]
"""A version by its number, the active one, or the draft (the active one when there is none)."""


class ReadDraft(Fields):
    """Whose draft."""

    agent_id: AgentId


class DiffAgent(Fields):
    """Which two to compare."""

    agent_id: AgentId
    before: Side = "active"
    after: Side = "draft"


@dataclass(frozen=True, slots=True)
class DraftRead:
    """A draft, and the agent's revision that it belongs to."""

    agent_id: AgentId
    draft: Draft
    revision: int


@dataclass(frozen=True, slots=True)
class AgentDiff:
    """What changes, field by field; of the prompt whether it does, and its lines in unified form."""

    before: str
    after: str
    changes: Sequence[Change]
    prompt_changed: bool
    prompt_lines: str


async def read(hub: Hub, actor: Actor, fields: ReadDraft) -> DraftRead | Refused:
    """The draft. NOT_FOUND for unknown, deleted and foreign agents alike, and for one without a draft."""
    no = await refused_agent(hub, actor, READ, fields.agent_id)
    if no is not None:
        return no
    async with owner_scope(hub.pool, actor.owner) as connection:
        held = await agent_changes.hold(connection, actor.owner, fields.agent_id)
        if held is None:
            return UNKNOWN
        ring = await tenants.ring_of(connection, hub.keys, actor.owner)
        draft = await agent_drafts.load(connection, ring, actor.owner, fields.agent_id)
    return NO_DRAFT_HERE if draft is None else DraftRead(fields.agent_id, draft, held.revision)


async def diff(hub: Hub, actor: Actor, fields: DiffAgent) -> AgentDiff | Refused:
    """What `after` changes against `before`. NOT_FOUND for an unknown agent or version."""
    no = await refused_agent(hub, actor, DIFF, fields.agent_id)
    if no is not None:
        return no
    async with owner_scope(hub.pool, actor.owner) as connection:
        held = await agent_changes.hold(connection, actor.owner, fields.agent_id)
        if held is None:
            return UNKNOWN
        ring = await tenants.ring_of(connection, hub.keys, actor.owner)
        before = await _side(connection, ring, held, fields.before)
        after = await _side(connection, ring, held, fields.after)
    if before is None or after is None:
        return UNKNOWN
    return _compared(before, after)


@dataclass(frozen=True, slots=True)
class _Side:
    name: str
    spec: AgentSpec
    prompt: str

    def json(self) -> dict[str, Any]:
        return self.spec.model_dump(mode="json")


def _compared(before: _Side, after: _Side) -> AgentDiff:
    return AgentDiff(
        before=before.name,
        after=after.name,
        changes=tuple(changes(before.json(), after.json())),
        prompt_changed=before.prompt != after.prompt,
        prompt_lines=unified(before.prompt, after.prompt, before.name, after.name),
    )


async def _side(connection: Connection, ring: KeyRing, held: Held, which: Side) -> _Side | None:
    if which == "draft":
        draft = await agent_drafts.load(connection, ring, held.owner, held.id)
        if draft is not None:
            return _Side("draft", draft.spec, draft.system_prompt)
    version = held.active
    if isinstance(which, int) and which != version.number:
        found = await agent_versions.find(connection, held.owner, held.id, which)
        if found is None:
            return None
        version = found
    return _Side(f"version {version.number}", version.spec, version.open_prompt(ring))
