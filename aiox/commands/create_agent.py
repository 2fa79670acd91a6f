"""Creates an agent: its address, its first version, and who else may talk to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal
from uuid import uuid4

from pydantic import Field, model_validator

from aiox.commands.agent_change import TAKEN, changed
from aiox.commands.agent_fields import AgentFields, Grantee, shown_image, spec_of, whole
from aiox.commands.allowed_models import refused_models
from aiox.commands.hub import Actor, Hub
from aiox.commands.notices import introduction
from aiox.commands.refusal import refused
from aiox.kernel.actions import Action
from aiox.kernel.agent import Visibility
from aiox.kernel.alias import Alias
from aiox.kernel.canonical import Json
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import AgentId, VersionId
from aiox.kernel.jid import BareJid, agent_jid
from aiox.kernel.outcome import Refused
from aiox.runtime.postgres import owner_scope
from registry import agent_avatars, agents, ledger, outbox, tenants
from registry.agent_changes import AliasTaken

ACTION: Final = Action.AGENT_CREATE
CREATED: Final = "agent.created"
ENOUGH: Final = Refused(
    ErrorCode.CONFLICT, "This account has as many agents as it may. Delete and purge some.", ("V2 many",)
)


class CreateAgent(AgentFields):
    """A new agent. What is left out has the defaults of SPEC 2; what the hub assigns (ids, JID) cannot be given."""

    alias: Alias | Literal[""] = Field("", description="a short address, one of each on the hub")
    shared_with: tuple[Grantee, ...] = Field((), max_length=100, description="JIDs or domains, for shared agents")

    @model_validator(mode="after")
    def _fits_together(self) -> CreateAgent:
        if self.shared_with and self.visibility is not Visibility.SHARED:
            raise ValueError("shared_with needs visibility shared")
        if len(set(self.shared_with)) != len(self.shared_with):
            raise ValueError("a name stands twice in shared_with")
        if self.profile.avatar.startswith("sha256:"):
            raise ValueError("a new agent has no image yet: give the avatar as a data: URI")
        return self


@dataclass(frozen=True, slots=True)
class AgentCreated:
    """The agent is there and answers at this address, and at `<alias>@<same domain>` when it has one."""

    agent_id: AgentId
    jid: BareJid
    alias: str
    version_id: VersionId
    version: int
    policy_hash: str
    revision: int


async def run(hub: Hub, actor: Actor, fields: CreateAgent) -> AgentCreated | Refused:
    """Creates an agent that belongs to the actor. Everything is stored in one transaction, or nothing.

    CONFLICT when the alias is, or was once, another agent's, or the account has too many; PROVIDER_NOT_ALLOWED for a
    model not on the hub's list.
    """
    no = await refused(hub, actor, ACTION, actor.owner)
    no = no or refused_models(hub, fields.llm_config, fields.memory_config)
    if no is not None:
        return no
    agent = _agent(hub, actor, fields)
    try:
        await _store(hub, actor, agent, fields)
    except AliasTaken:
        return TAKEN
    except agents.TooManyAgents:
        return ENOUGH
    hub.created(actor.owner)
    policy_hash = agent.spec.policy_hash()
    return AgentCreated(agent.id, agent.jid, agent.alias, agent.version_id, 1, policy_hash, revision=1)


def _agent(hub: Hub, actor: Actor, fields: CreateAgent) -> agents.NewAgent:
    given, prompt = whole(fields)
    agent_id = AgentId(uuid4())
    return agents.NewAgent(
        id=agent_id,
        version_id=VersionId(uuid4()),
        owner=actor.owner,
        jid=agent_jid(agent_id, hub.domain),
        spec=spec_of(given),
        system_prompt=prompt,
        shared_with=fields.shared_with,
        created_at=hub.clock.now(),
        alias=fields.alias,
    )


async def _store(hub: Hub, actor: Actor, agent: agents.NewAgent, fields: CreateAgent) -> None:
    async with owner_scope(hub.pool, actor.owner) as connection:
        ring = await tenants.ring_of(connection, hub.keys, actor.owner)
        await agents.create(connection, ring, agent)
        image = shown_image(fields.profile.avatar)
        if image is not None:
            await agent_avatars.put(connection, actor.owner, agent.id, image, agent.created_at)
        version = agent.first_version
        details: dict[str, Json] = {
            "version": 1,
            "content_digest": version.content_digest,
            "policy_hash": version.spec.policy_hash(),
        }
        await ledger.append(connection, [await changed(hub, actor, CREATED, agent.id, details)])
        name = version.spec.profile.name
        await outbox.put(
            connection, [introduction(actor.owner, agent.id, agent.jid, actor.jid, name, agent.created_at)]
        )
