"""Turns asked over HTTP, history and state events, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal
from uuid import UUID

from aiox.commands.read_answer import AnswerRead
from aiox.kernel.errors import ErrorCode
from gateway.schemas.common import Out
from registry.asked import ANSWERED


class SourceOut(Out):
    """A passage that an answer rests on. `distance` is cosine distance, 0 to 2."""

    title: str
    section: str
    distance: float


class AnswerOut(Out):
    """What the agent answered."""

    text: str
    model: str
    tools_called: Sequence[str]
    sources: Sequence[SourceOut]


class TurnError(Out):
    """Why there is no answer. `code` is stable, `detail` a sentence for people."""

    code: ErrorCode
    detail: str


class TurnOut(Out):
    """A turn as who asked it sees it. `answer` is there once it is answered, `error` once it failed."""

    turn_id: UUID
    agent_id: UUID
    state: Literal["accepted", "answered", "failed"]
    answer: AnswerOut | None
    error: TurnError | None
    tokens_used: int
    correlation_id: UUID
    created_at: datetime
    ended_at: datetime | None


class TurnState(Out):
    """In a stream: what has become of the turn. After `restarted`, forget the pieces that came before."""

    turn_id: UUID
    state: Literal["accepted", "thinking", "restarted", "answered", "failed"]


class Delta(Out):
    """In a stream: a piece of the answer. `offset` counts the characters before it; a gap means that one was lost."""

    turn_id: UUID
    offset: int
    text: str


class ChatPiece(Out):
    """In the stream of chats: a piece of an answer that is being written.

    `attempt` grows when an answer begins anew: pieces of a later one replace all before. `offset` counts the characters
    before the piece. `ended`: the answer itself is on its way as a message.
    """

    turn_id: UUID
    agent_jid: str
    attempt: int
    offset: int
    text: str
    ended: bool


class SaidOut(Out):
    """One turn of a conversation. The texts are null where the agent stores none."""

    id: UUID
    said: str | None
    answered: str | None
    outcome: str
    created_at: datetime


class History(Out):
    """A page of a conversation, newest first. `next` goes into `after`; null on the last page."""

    items: Sequence[SaidOut]
    next: str | None


class Mark(Out):
    """In a stream of events: where it stands. After `reset`, read anew what you show."""

    at: datetime


class StateEventOut(Out):
    """Something changed. `thing` is the id of what changed, `detail` a code where there is one."""

    kind: str
    thing: UUID
    state: str
    detail: str
    created_at: datetime


def turn_out(found: AnswerRead) -> TurnOut:
    """The turn as JSON."""
    turn, answer = found.turn, None
    error = None
    if turn.outcome == ANSWERED and found.answer is not None:
        answer = AnswerOut.model_validate(found.answer)
    elif turn.outcome:
        error = TurnError(code=ErrorCode(turn.outcome), detail=turn.reason)
    return TurnOut(
        turn_id=turn.turn,
        agent_id=turn.agent,
        state="accepted" if not turn.outcome else "answered" if answer is not None else "failed",
        answer=answer,
        error=error,
        tokens_used=turn.tokens_used,
        correlation_id=turn.correlation_id,
        created_at=turn.created_at,
        ended_at=turn.ended_at,
    )
