"""Steps 6 and 7: the version this turn is pinned to, what the person prefers, what is stored, and the tools.

A turn that was held goes on with the version it began with, whatever was published since.
"""

from __future__ import annotations

from aiox.kernel.ids import VersionId
from aiox.runtime.steps import Step
from orchestrator.ports import Ports
from orchestrator.proofs import Authorised, Loaded
from orchestrator.steps.held_call import approved_of
from policy.storage import Storage
from policy.tools import allowed_tools


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
        tools = allowed_tools([tool.name for tool in opened.version.tools], ports.known_tools)
    return Loaded(
        authorised, opened.version, opened.ring, opened.system_prompt, tools, facts.preferences, storage, approved
    )
