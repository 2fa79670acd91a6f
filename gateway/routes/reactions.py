"""What people think of an agent's answers, and answers that are taken back."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from fastapi import APIRouter

from aiox.commands import reactions, retract_answer
from aiox.commands.reactions import ReadReactions
from aiox.commands.retract_answer import RetractAnswer
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from gateway.access import TheActor, TheDoor
from gateway.errors import stop
from gateway.routes.declared import declared
from gateway.schemas.common import problems
from gateway.schemas.rooms import ReactionList, RetractedOut, VersionReactionsOut

router = APIRouter(tags=["executions"])

PER_MINUTE: Final = 100
"""Requests per action and account."""


@router.get(
    "/v1/agents/{agent_id}/reactions",
    responses=problems(ErrorCode.UNAUTHENTICATED, ErrorCode.NOT_FOUND),
    openapi_extra=declared(reactions.ACTION),
)
async def read(door: TheDoor, actor: TheActor, agent_id: UUID) -> ReactionList:
    """How many answers people like, and how many they do not, by version."""
    await door.limit(reactions.ACTION, str(actor.owner), PER_MINUTE)
    result = await reactions.run(door.hub, actor, ReadReactions(agent_id=AgentId(agent_id)))
    if isinstance(result, Refused):
        raise stop(result)
    return ReactionList(items=[VersionReactionsOut.model_validate(one) for one in result])


@router.delete(
    "/v1/executions/{execution_id}/answer",
    responses=problems(ErrorCode.UNAUTHENTICATED, ErrorCode.NOT_FOUND, ErrorCode.CONFLICT),
    openapi_extra=declared(retract_answer.ACTION),
)
async def retract(door: TheDoor, actor: TheActor, execution_id: UUID) -> RetractedOut:
    """Takes an answer back: its text is gone from here, and who got it over XMPP is told. What it cost stays."""
    await door.limit(retract_answer.ACTION, str(actor.owner), PER_MINUTE)
    result = await retract_answer.run(door.hub, actor, RetractAnswer(execution_id=execution_id))
    if isinstance(result, Refused):
        raise stop(result)
    return RetractedOut.model_validate(result)
