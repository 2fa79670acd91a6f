"""Asking an agent over HTTP: the way of a stanza from admission on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request, Response

from aiox.commands import ask_agent, read_answer
from aiox.commands.ask_agent import AskAgent, AskText
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from gateway.access import TheActor, TheDoor
from gateway.errors import stop
from gateway.following import Listener, follow
from gateway.front import TheFront
from gateway.idempotency import IdempotencyKey, repeats_itself
from gateway.routes.declared import declared
from gateway.routes.listening import EVENTS, still_valid, wants_events
from gateway.schemas.asked import TurnOut, turn_out
from gateway.schemas.common import problems
from gateway.streams import EventStream

router = APIRouter(prefix="/v1/agents/{agent_id}/messages", tags=["messages"])

PER_MINUTE: Final = 20
"""Messages per person, unless the settings say otherwise."""


@router.post(
    "",
    status_code=202,
    response_model=TurnOut,
    responses=problems(
        ErrorCode.UNAUTHENTICATED,
        ErrorCode.NOT_FOUND,
        ErrorCode.BODY_TOO_LARGE,
        ErrorCode.UNSUPPORTED_MEDIA_TYPE,
        ErrorCode.BODY_INVALID,
        ErrorCode.BODY_EMPTY,
    )
    | EVENTS,
    openapi_extra=declared(ask_agent.ACTION),
)
async def ask(
    request: Request,
    response: Response,
    door: TheDoor,
    front: TheFront,
    actor: TheActor,
    agent_id: UUID,
    text: AskText,
    idempotency_key: IdempotencyKey = None,
) -> TurnOut | Response:
    """Asks an agent that you may talk to. 202: the message is stored and will be answered, whatever dies; see Location.

    With `Accept: text/event-stream` the answer comes here: events `state`, `delta` and, last, `answer` or `error`.
    """
    await door.limit(ask_agent.ACTION, actor.jid, PER_MINUTE)  # by address: XMPP counts in the same window
    repeats_itself(request)  # key and text name the turn: asked again, it is the same one
    fields = AskAgent(agent_id=AgentId(agent_id), key=idempotency_key or "", **text.model_dump())

    @asynccontextmanager
    async def asked() -> AsyncIterator[AsyncIterator[bytes]]:
        async with front.listen(actor.jid) as pieces:  # before it is asked: no piece is missed
            turn = await ask_agent.run(door.hub, actor, fields, door.resubmit)
            if isinstance(turn, Refused):
                raise stop(turn)
            yield follow(Listener(door.hub, actor, still_valid(door, actor)), turn, pieces)

    if wants_events(request):
        return EventStream(asked, front.streams, actor.owner)
    turn = await ask_agent.run(door.hub, actor, fields, door.resubmit)
    if isinstance(turn, Refused):
        raise stop(turn)
    response.headers["Location"] = f"/v1/turns/{turn.turn}"
    return turn_out(await read_answer.opened(door.hub, actor, turn))
