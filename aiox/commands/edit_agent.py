"""Changes an agent's draft. What is active stays as it is until the draft is published."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, Final

from pydantic import ValidationError

from aiox.commands.agent_change import Change, IsCurrent, any_revision, change
from aiox.commands.agent_draft import DraftRead
from aiox.commands.agent_fields import AgentFields, AgentPatch, shown_image, spec_of, whole
from aiox.commands.allowed_models import refused_models
from aiox.commands.fields import RULE_FORM, Fields, sentence
from aiox.commands.hub import Actor, Hub
from aiox.kernel.actions import Action
from aiox.kernel.changes import merged
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from registry import agent_avatars, agent_drafts
from registry.agent_drafts import Draft

UPDATE: Final = Action.AGENT_UPDATE
REPLACE: Final = Action.AGENT_REPLACE
DISCARD: Final = Action.DRAFT_DISCARD
NO_DRAFT: Final = Refused(ErrorCode.CONFLICT, "There is no draft: nothing differs from what is active.", ("V0 draft",))
_NO_IMAGE: Final = Refused(
    ErrorCode.BODY_INVALID, "profile.avatar: the agent has no image of that name", ("V1 avatar",)
)


class PatchAgent(AgentPatch):
    """Which agent, and what is to change."""

    agent_id: AgentId


class ReplaceAgent(AgentFields):
    """Which agent, and all that it is to be."""

    agent_id: AgentId


class WhichAgent(Fields):
    """One agent."""

    agent_id: AgentId


async def update(
    hub: Hub, actor: Actor, fields: PatchAgent, is_current: IsCurrent = any_revision
) -> DraftRead | Refused:
    """Lays the given fields over the draft; the first change begins one from the active version.

    Raises nothing; BODY_INVALID when the outcome is no agent, and else as `agent_change.change`.
    """
    patch = fields.model_dump(mode="json", exclude_unset=True, exclude={"agent_id"})
    return await change(hub, actor, UPDATE, fields.agent_id, is_current, partial(_patch, patch))


async def replace_whole(
    hub: Hub, actor: Actor, fields: ReplaceAgent, is_current: IsCurrent = any_revision
) -> DraftRead | Refused:
    """Puts a whole agent in the draft's place. Refuses as `update`."""
    given, prompt = whole(fields)
    return await change(hub, actor, REPLACE, fields.agent_id, is_current, partial(_save, given, prompt))


async def discard(hub: Hub, actor: Actor, fields: WhichAgent, is_current: IsCurrent = any_revision) -> int | Refused:
    """Throws the draft away. Returns the new revision; CONFLICT when there is none, and else as `change`."""

    async def work(changing: Change) -> int | Refused:
        if not await agent_drafts.discard(changing.connection, changing.held.owner, changing.held.id):
            return NO_DRAFT
        await agent_avatars.drop_unused(changing.connection, changing.held.owner, changing.held.id)
        return await changing.done("agent.draft_discarded", {})

    return await change(hub, actor, DISCARD, fields.agent_id, is_current, work)


async def current_draft(changing: Change) -> Draft:
    """The draft, or what it would begin as. Raises CannotOpen."""
    held = changing.held
    found = await agent_drafts.load(changing.connection, changing.ring, held.owner, held.id)
    if found is not None:
        return found
    return Draft(held.active.spec, held.active.open_prompt(changing.ring), held.active.number, changing.now)


async def _patch(patch: dict[str, Any], changing: Change) -> DraftRead | Refused:
    draft = await current_draft(changing)
    before = draft.spec.model_dump(mode="json")
    before["profile"]["system_prompt"] = draft.system_prompt
    after: dict[str, Any] = merged(before, patch)
    return await _save(after, after["profile"].pop("system_prompt"), changing)


async def _save(given: dict[str, Any], prompt: str, changing: Change) -> DraftRead | Refused:
    held, image = changing.held, shown_image(given["profile"]["avatar"])
    try:
        spec = spec_of(given)
    except ValidationError as wrong:
        return Refused(ErrorCode.BODY_INVALID, sentence(wrong), (RULE_FORM,))
    no = refused_models(changing.hub, spec.llm_config, spec.memory_config)
    if no is not None:
        return no
    ref = spec.profile.avatar
    if image is None and ref and not await agent_avatars.find(changing.connection, held.owner, held.id, ref):
        return _NO_IMAGE
    draft = replace(await current_draft(changing), spec=spec, system_prompt=prompt, changed_at=changing.now)
    if image is not None:
        await agent_avatars.put(changing.connection, held.owner, held.id, image, changing.now)
    await agent_drafts.save(changing.connection, changing.ring, held.owner, held.id, draft)
    await agent_avatars.drop_unused(changing.connection, held.owner, held.id)
    revision = await changing.done("agent.draft_changed", {"base": draft.base, "policy_hash": spec.policy_hash()})
    return DraftRead(held.id, draft, revision)
