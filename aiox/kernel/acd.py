"""The Agent Capability Descriptor (ACD): what the hub says of an agent to those who may see it. docs/rfc-aiox.md."""

from __future__ import annotations

from aiox.kernel.agent import AgentSpec, Part, Visibility
from aiox.kernel.ids import AgentId, OwnerId


class Descriptor(Part):
    """The ACD. `owner` is an id that says nothing of the person; the policy hash covers what governs the agent."""

    agent_id: AgentId
    owner: OwnerId
    visibility: Visibility
    governance_version: int
    policy_hash: str
    worker_pool: str
    llm_provider: str
    version: int
    domain_tags: tuple[str, ...]
    tools: tuple[str, ...]


def descriptor(
    agent_id: AgentId, owner: OwnerId, number: int, spec: AgentSpec, policy_hash: str | None = None
) -> Descriptor:
    """The ACD of version `number`. Governance is versioned with the agent, so both numbers are the same.

    `policy_hash` is the one that was frozen with the version; None: it is computed, which costs more than all the rest.
    """
    return Descriptor(
        agent_id=agent_id,
        owner=owner,
        visibility=spec.visibility,
        governance_version=number,
        policy_hash=policy_hash or spec.policy_hash(),
        worker_pool=spec.llm_config.worker_pool,
        llm_provider=spec.llm_config.provider,
        version=number,
        domain_tags=spec.capabilities.domain_tags,
        tools=tuple(tool.name for tool in spec.tools),
    )
