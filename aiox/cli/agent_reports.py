"""What `aiox agent ...` prints, and the commands behind it that only look."""

from __future__ import annotations

from aiox.cli.agents import Desk, desk, done
from aiox.commands import agent_draft, list_versions, publish_agent, read_agent, read_use, retire_agent, share_agent
from aiox.commands.agent_draft import DiffAgent, Side
from aiox.commands.edit_agent import WhichAgent
from aiox.commands.list_templates import templates
from aiox.commands.list_versions import ListVersions
from aiox.commands.publish_agent import RollbackAgent, VersionActive
from aiox.commands.read_agent import ReadAgent
from aiox.commands.read_use import ReadUse
from aiox.commands.share_agent import AliasAgent, GrantAgent
from aiox.runtime.settings import Settings
from registry.agents import AgentSummary
from registry.executions import ModelUse


async def listed(settings: Settings, owner: str, *, deleted: bool) -> str:
    """One line per agent."""
    async with desk(settings, owner) as here:
        found = await here.agents(deleted=deleted)
    if not found:
        how = "" if deleted else " Make one: aiox agent new --template documents"
        return f"This account has no {'deleted ' if deleted else ''}agents.{how}"
    return "\n".join(_line(agent) for agent in found)


def _line(agent: AgentSummary) -> str:
    notes = [f"version {agent.active_version}", str(agent.visibility)]
    notes += ["draft"] * agent.has_draft + [f"alias {agent.alias}"] * bool(agent.alias)
    notes += [f"deleted {agent.deleted_at:%Y-%m-%d %H:%M}"] if agent.deleted_at else []
    return f"{agent.id}  {agent.name:<24} {', '.join(notes)}"


async def shown(here: Desk, agent: AgentSummary) -> str:
    """All of an agent but the text of its prompt, which is its owner's."""
    found = done(await read_agent.run(here.hub, here.actor, ReadAgent(agent_id=agent.id)))
    detail, spec = found.agent, found.agent.version.spec
    rows = {
        "agent": detail.id,
        "address": detail.jid,
        "alias": detail.alias or "none",
        "version": f"{detail.version.number}{', with a draft' if detail.has_draft else ''}",
        "visibility": spec.visibility,
        "shared with": ", ".join(detail.shared_with) or "nobody",
        "policy hash": detail.version.policy_hash,
        "content digest": detail.version.content_digest,
        "system prompt": f"{len(found.system_prompt)} characters, for the owner's eyes",
    }
    head = "\n".join(f"{name:<15} {value}" for name, value in rows.items())
    return f"{head}\n{spec.model_dump_json(indent=1)}"


async def versions(here: Desk, agent: AgentSummary) -> str:
    """One line per version, the newest first."""
    found = done(await list_versions.run(here.hub, here.actor, ListVersions(agent_id=agent.id)))
    return "\n".join(
        f"{'*' if one.version == agent.active_version else ' '} {one.version:>4}  {one.created_at:%Y-%m-%d %H:%M}"
        f"  {one.content_digest[:16]}  {one.name}"
        for one in found
    )


async def difference(here: Desk, agent: AgentSummary, before: Side, after: Side) -> str:
    """One line per field that differs."""
    asked = DiffAgent(agent_id=agent.id, before=before, after=after)
    found = done(await agent_draft.diff(here.hub, here.actor, asked))
    lines = [f"{one.path}: {one.before or 'nothing'} -> {one.after or 'nothing'}" for one in found.changes]
    if found.prompt_changed:
        lines.append("/profile/system_prompt: changed")
    return "\n".join([f"{found.before} -> {found.after}", *lines]) if lines else "Nothing differs."


async def used(here: Desk, agent: AgentSummary, days: int) -> str:
    """One line per model, the most used first."""
    found = done(await read_use.run(here.hub, here.actor, ReadUse(agent_id=agent.id, days=days)))
    if not found:
        return f"{agent.name} was not asked anything in the last {days} days."
    lines = [
        f"{one.model or 'no model':<40} {one.turns:>8} turns {one.tokens_used:>12} tokens  {_cost(one)}"
        for one in found
    ]
    return "\n".join([f"{agent.name}, the last {days} days; costs are estimates", *lines])


def _cost(use: ModelUse) -> str:
    if use.cost_nanousd is None:
        return "cost unknown"
    known = f"{use.cost_nanousd / 1e9:.6f} USD"
    return f"{known}, and {use.unpriced_turns} turns unknown" if use.unpriced_turns else known


async def published(here: Desk, agent: AgentSummary) -> str:
    """Publishes the draft."""
    return _active(agent, done(await publish_agent.publish(here.hub, here.actor, WhichAgent(agent_id=agent.id))))


async def rolled_back(here: Desk, agent: AgentSummary, version: int) -> str:
    """Points the agent at another of its versions."""
    asked = RollbackAgent(agent_id=agent.id, version=version)
    return _active(agent, done(await publish_agent.rollback(here.hub, here.actor, asked)))


def _active(agent: AgentSummary, active: VersionActive) -> str:
    return f"{agent.name}: version {active.version} is active, policy hash {active.policy_hash}."


async def deleted(here: Desk, agent: AgentSummary) -> str:
    """Deletes an agent so that it can come back."""
    done(await retire_agent.delete(here.hub, here.actor, WhichAgent(agent_id=agent.id)))
    return f"{agent.name} is unknown to everyone from now on. It can come back: aiox agent restore {agent.id}"


async def restored(here: Desk, agent: AgentSummary) -> str:
    """Brings a deleted agent back."""
    done(await retire_agent.restore(here.hub, here.actor, WhichAgent(agent_id=agent.id)))
    return f"{agent.name} is back at {agent.jid}."


async def purged(here: Desk, agent: AgentSummary) -> str:
    """Has a deleted agent purged."""
    done(await retire_agent.purge(here.hub, here.actor, WhichAgent(agent_id=agent.id)))
    return f"{agent.name} will be purged within minutes, with all that is its own. {agent.jid} is never used again."


async def granted(here: Desk, agent: AgentSummary, grantee: str, *, back: bool) -> str:
    """Shares an agent, or takes that back."""
    asked = GrantAgent(agent_id=agent.id, grantee=grantee)
    command = share_agent.revoke if back else share_agent.grant
    shared = done(await command(here.hub, here.actor, asked))
    note = "" if agent.visibility == "shared" else " It counts once a version with visibility 'shared' is active."
    return f"{agent.name} is shared with: {', '.join(shared.shared_with) or 'nobody'}.{note}"


async def renamed(here: Desk, agent: AgentSummary, alias: str) -> str:
    """Gives an agent a short address, or takes it away."""
    named = done(await share_agent.set_alias(here.hub, here.actor, AliasAgent(agent_id=agent.id, alias=alias)))
    if not named.alias:
        return f"{agent.name} has no alias."
    return f"{agent.name} answers at {named.alias}@agents.{here.hub.domain}, too."


def templates_listed() -> str:
    """Each template with what it is for and how to use it."""
    return "\n\n".join(
        f"{one.template} - {one.title}\n  {one.usage}\n  aiox agent new --template {one.template}"
        for one in templates()
    )
