"""What `aiox agent draft|discard|version|executions` print: an agent's draft, one version, its turns in figures."""

from __future__ import annotations

from aiox.cli.agents import Desk, done
from aiox.commands import agent_draft, edit_agent, list_executions, list_versions
from aiox.commands.agent_draft import ReadDraft
from aiox.commands.edit_agent import WhichAgent
from aiox.commands.list_executions import ListExecutions
from aiox.commands.list_versions import ReadVersion
from aiox.kernel.agent import AgentSpec
from registry.agents import AgentSummary
from registry.executions import ExecutionSummary


async def draft(here: Desk, agent: AgentSummary) -> str:
    """The draft, whole but the text of its prompt."""
    found = done(await agent_draft.read(here.hub, here.actor, ReadDraft(agent_id=agent.id))).draft
    head = {
        "began from": f"version {found.base}",
        "changed": found.changed_at.isoformat(timespec="seconds"),
        "policy hash": found.spec.policy_hash(),
    }
    return _shown(head, found.spec, found.system_prompt)


async def discarded(here: Desk, agent: AgentSummary) -> str:
    """Throws the draft away."""
    done(await edit_agent.discard(here.hub, here.actor, WhichAgent(agent_id=agent.id)))
    return f"{agent.name} has no draft any more; version {agent.active_version} is active as before."


async def version(here: Desk, agent: AgentSummary, number: int) -> str:
    """One version as it was published, but the text of its prompt."""
    asked = ReadVersion(agent_id=agent.id, version=number)
    found = done(await list_versions.read(here.hub, here.actor, asked))
    head = {
        "version": str(found.version.number),
        "published": found.version.created_at.isoformat(timespec="seconds"),
        "policy hash": found.version.policy_hash,
        "content digest": found.version.content_digest,
    }
    return _shown(head, found.version.spec, found.system_prompt)


async def executions(here: Desk, agent: AgentSummary, limit: int) -> str:
    """One line per turn, the newest first: who asked, what came of it, tokens and times; never what was said."""
    asked = ListExecutions(agent_id=agent.id, limit=limit)
    found = done(await list_executions.run(here.hub, here.actor, asked))
    if not found:
        return f"{agent.name} was not asked anything yet."
    return "\n".join(_line(one) for one in found)


def _shown(head: dict[str, str], spec: AgentSpec, prompt: str) -> str:
    rows = {**head, "system prompt": f"{len(prompt)} characters, for the owner's eyes"}
    lines = [f"{name:<15} {value}" for name, value in rows.items()]
    return "\n".join([*lines, spec.model_dump_json(indent=1)])


def _line(turn: ExecutionSummary) -> str:
    return (
        f"{turn.id}  {turn.created_at:%Y-%m-%d %H:%M:%S}  {turn.outcome:<10} {turn.tokens_used:>7} tokens"
        f"  {turn.platform_latency_ms:>6} + {turn.worker_latency_ms} ms  {turn.model or '-'}  {turn.subject_jid}"
    )
