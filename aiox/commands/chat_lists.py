"""`/agents` and `/documents`: what is there, for whoever asks in a chat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aiox.commands import list_agents, list_documents
from aiox.commands.hub import Actor, Hub
from aiox.commands.list_agents import ListAgents
from aiox.commands.list_documents import ListDocuments
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from registry.agents import AgentSummary
from registry.documents import DocumentSummary

SHOWN: Final = 50
"""Lines of a list at most."""


async def agents(hub: Hub, actor: Actor) -> str:
    """The answer to /agents: the asker's own, whosever this one is."""
    found = await list_agents.run(hub, actor, ListAgents(limit=SHOWN + 1))
    if isinstance(found, Refused):
        return found.reason
    return _lines("Your agents:", "You have no agents.", [_agent(one) for one in found])


async def documents(hub: Hub, actor: Actor, agent: AgentId) -> str:
    """The answer to /documents: those of this agent, for its owner."""
    found = await list_documents.run(hub, actor, ListDocuments(agent_id=agent))
    if isinstance(found, Refused):
        return "Only the agent's owner sees its documents."
    return _lines("Documents of this agent:", "This agent has no documents.", [_document(one) for one in found])


def _agent(one: AgentSummary) -> str:
    return f"{one.name}, {one.visibility}, xmpp:{one.jid}"


def _document(one: DocumentSummary) -> str:
    return f"{one.title} ({one.source}), {one.state}"


def _lines(head: str, nothing: str, lines: Sequence[str]) -> str:
    more = ["and more"] if len(lines) > SHOWN else []
    return "\n".join([head, *lines[:SHOWN], *more]) if lines else nothing
