"""Creates an agent: its address, its first version, and who else may talk to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final
from uuid import uuid4

from pydantic import Field, StringConstraints, model_validator

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused
from aiox.kernel.actions import Action
from aiox.kernel.agent import (
    MAX_PROMPT_CHARACTERS,
    AgentSpec,
    Capabilities,
    Governance,
    Line,
    LlmConfig,
    MemoryConfig,
    Prose,
    Tool,
    Visibility,
)
from aiox.kernel.ids import AgentId, VersionId
from aiox.kernel.jid import BareJid, agent_jid
from aiox.kernel.outcome import Refused
from aiox.runtime.postgres import owner_scope
from registry import agents, tenants

ACTION: Final = Action.AGENT_CREATE

Grantee = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_lower=True, max_length=512, pattern=r"^([^@/\s\x00]+@)?[^@/\s\x00]+$"),
]
"""A bare JID or a domain."""


class CreateAgent(Fields):
    """A new agent. What is left out has the defaults of SPEC 2."""

    name: Annotated[Line, StringConstraints(min_length=1, max_length=100)]
    description: Prose = Field("", max_length=2000)
    system_prompt: Prose = Field("", max_length=MAX_PROMPT_CHARACTERS)
    personality_traits: tuple[Line, ...] = Field((), max_length=16)
    llm_config: LlmConfig = LlmConfig()
    capabilities: Capabilities = Capabilities()
    memory_config: MemoryConfig = MemoryConfig()
    tools: tuple[Tool, ...] = Field((), max_length=32)
    governance: Governance = Governance()
    visibility: Visibility = Visibility.PRIVATE
    shared_with: tuple[Grantee, ...] = Field((), max_length=100, description="JIDs or domains, for shared agents")

    @model_validator(mode="after")
    def _fits_together(self) -> CreateAgent:
        if self.shared_with and self.visibility is not Visibility.SHARED:
            raise ValueError("shared_with needs visibility shared")
        if len({tool.name for tool in self.tools}) != len(self.tools):
            raise ValueError("a tool stands twice in tools")
        if len(set(self.shared_with)) != len(self.shared_with):
            raise ValueError("a name stands twice in shared_with")
        return self

    def spec(self) -> AgentSpec:
        """The version's specification: everything but the prompt and the grants."""
        return AgentSpec.model_validate(self.model_dump(exclude={"system_prompt", "shared_with"}))


@dataclass(frozen=True, slots=True)
class AgentCreated:
    """The agent is there and answers at this address."""

    agent_id: AgentId
    jid: BareJid
    version_id: VersionId
    version: int
    policy_hash: str


async def run(hub: Hub, actor: Actor, fields: CreateAgent) -> AgentCreated | Refused:
    """Creates an agent that belongs to the actor. Everything is stored in one transaction, or nothing."""
    no = await refused(hub, actor, ACTION, actor.owner)
    if no is not None:
        return no
    agent_id = AgentId(uuid4())
    agent = agents.NewAgent(
        id=agent_id,
        version_id=VersionId(uuid4()),
        owner=actor.owner,
        jid=agent_jid(agent_id, hub.domain),
        spec=fields.spec(),
        system_prompt=fields.system_prompt,
        shared_with=fields.shared_with,
        created_at=hub.clock.now(),
    )
    async with owner_scope(hub.pool, actor.owner) as connection:
        ring = await tenants.ring_of(connection, hub.keys, actor.owner)
        await agents.create(connection, ring, agent)
    return AgentCreated(agent_id, agent.jid, agent.version_id, 1, agent.spec.policy_hash())
