"""Steps 6 and 7: the version this turn is pinned to, what the person prefers, what is stored, and the tools.

A turn that was held goes on with the version it began with, whatever was published since.
"""

from __future__ import annotations

from collections.abc import Sequence

from aiox.kernel.agent import McpServer
from aiox.kernel.ids import VersionId
from aiox.kernel.mcp import McpTool
from aiox.runtime.postgres import owner_scope
from aiox.runtime.steps import Step
from orchestrator.ports import Ports
from orchestrator.proofs import Authorised, Loaded
from orchestrator.steps.asking import from_elsewhere
from orchestrator.steps.held_call import approved_of
from policy.mcp import offered, with_mcp
from policy.storage import Storage
from policy.tools import allowed_tools
from registry import mcp_servers
from registry.agent_versions import StoredVersion


async def load(ports: Ports, authorised: Authorised) -> Loaded:
    """Reads the version inside its owner's scope. Raises VersionMissing."""
    turn = authorised.turn
    with ports.telemetry.span(Step.VERSION, turn.envelope.traceparent, turn.attributes):
        approved = await approved_of(ports, authorised)
        pinned = approved.approval.call.version if approved else authorised.version_id
        opened = await ports.versions.open(authorised.owner, VersionId(pinned))
        limit = opened.version.governance.max_memory_mb
    facts, allowed_mb = authorised.facts, authorised.quota.max_memory_mb
    storage = Storage(facts.account_bytes, allowed_mb, facts.agent_bytes, limit, facts.groups)
    with ports.telemetry.span(Step.TOOLS, turn.envelope.traceparent, turn.attributes):
        mcp = await _of_servers(ports, authorised, opened.version)
        tools = with_mcp(allowed_tools([tool.name for tool in opened.version.tools], ports.known_tools), *mcp)
    return Loaded(
        authorised,
        opened.version,
        opened.ring,
        opened.system_prompt,
        tools,
        facts.preferences,
        storage,
        approved,
        mcp={tool.name: tool for tool in mcp[1]},
        delegation=from_elsewhere(ports, turn),
    )


async def _of_servers(
    ports: Ports, authorised: Authorised, version: StoredVersion
) -> tuple[Sequence[McpServer], Sequence[McpTool]]:
    """The agent's MCP servers, and those of their tools that are what was approved. Asked for where there are any."""
    servers = version.spec.mcp_servers
    if not servers:
        return (), ()
    async with owner_scope(ports.pool, authorised.owner) as connection:
        stored = await mcp_servers.of_agent(connection, authorised.owner, version.agent_id)
    return servers, offered(servers, {name: one.known for name, one in stored.items()})
