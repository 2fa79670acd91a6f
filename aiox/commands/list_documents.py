"""Lists an agent's documents with their state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused_agent
from aiox.kernel.actions import Action
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from registry import documents
from registry.documents import DocumentSummary

ACTION: Final = Action.DOCUMENT_LIST


class ListDocuments(Fields):
    """Whose documents."""

    agent_id: AgentId


async def run(hub: Hub, actor: Actor, fields: ListDocuments) -> Sequence[DocumentSummary] | Refused:
    """The documents, by source. NOT_FOUND for unknown, deleted and foreign agents alike."""
    no = await refused_agent(hub, actor, ACTION, fields.agent_id)
    return no if no is not None else await documents.list_of_agent(hub.pool, actor.owner, fields.agent_id)
