"""What a stream says: a turn from admission to its answer, and state events as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from aiox.commands import list_workers, read_answer, watch_events
from aiox.commands.hub import Actor, Hub
from aiox.commands.read_answer import AnswerRead
from aiox.kernel.envelope import LiveDelta
from gateway.live import Pieces, Want
from gateway.schemas.asked import ChatPiece, Delta, Mark, StateEventOut, TurnOut, TurnState, turn_out
from gateway.schemas.workers import worker_list
from gateway.streams import BEAT, BEAT_S, LONGEST_S, LOOK_S, event
from registry.asked import AskedTurn
from registry.events import EventPosition

REPLAYED: Final = 1000
"""Events that a reader who comes back gets at most; one who missed more starts anew."""
PAUSE_S: Final = 1.0
WANT_S: Final = 5.0
"""How often it is said that somebody reads their chats."""

KEPT: Final = timedelta(days=7)
"""How long events are kept (registry.retention)."""

Valid = Callable[[], Awaitable[bool]]
"""Whether the caller's token is still good."""


@dataclass(frozen=True, slots=True)
class Since:
    """The last event that a reader has seen, and when it was."""

    position: EventPosition
    at: datetime


@dataclass(frozen=True, slots=True)
class Listener:
    """Who listens."""

    hub: Hub
    actor: Actor
    valid: Valid


class _Pulse:
    """When to say something, and when to stop. Seconds of the hub's clock."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._began = self._spoke = self._looked = self._now()

    def _now(self) -> float:
        return self._listener.hub.clock.monotonic()

    def spoke(self) -> None:
        self._spoke = self._now()

    def silent(self) -> bool:
        """Whether a beat is due; it counts as said."""
        if self._now() - self._spoke < BEAT_S:
            return False
        self.spoke()
        return True

    async def over(self) -> bool:
        """Whether the stream has run long enough, or its token is no longer good. Asks every LOOK_S at most."""
        now = self._now()
        if now - self._began >= LONGEST_S:
            return True
        if now - self._looked < LOOK_S:
            return False
        self._looked = now
        return not await self._listener.valid()


async def follow(listener: Listener, turn: AskedTurn, pieces: Pieces) -> AsyncIterator[bytes]:
    """The turn's state, its pieces as they come, and its answer; ends with the answer.

    A piece may be lost, and a turn may begin anew: `restarted` says that what came before is void. The answer is read
    from the store, so it is whole, and comes even when every piece was lost.
    """
    hub, actor, pulse, attempt = listener.hub, listener.actor, _Pulse(listener), 0
    found = await read_answer.opened(hub, actor, turn)
    yield event("state", TurnState(turn_id=turn.turn, state=turn_out(found).state))
    while found.turn.ended_at is None:
        piece = await _next(pieces, LOOK_S)
        if piece is None or (piece.turn_id == turn.turn and piece.ended):
            found = await read_answer.again(hub, actor, turn)
        elif piece.turn_id == turn.turn and piece.attempt >= attempt:
            for said in _said(piece, attempt):
                yield said
                pulse.spoke()
            attempt = piece.attempt
        if found.turn.ended_at is None and await pulse.over():
            return
        if pulse.silent():
            yield BEAT
    yield _end(found)


def _said(piece: LiveDelta, attempt: int) -> list[bytes]:
    said = []
    if piece.attempt > attempt:
        state = "restarted" if attempt else "thinking"
        said.append(event("state", TurnState(turn_id=piece.turn_id, state=state)))
    if piece.text:
        said.append(event("delta", Delta(turn_id=piece.turn_id, offset=piece.offset, text=piece.text)))
    return said


async def written(listener: Listener, pieces: Pieces, want: Want) -> AsyncIterator[bytes]:
    """Pieces of the answers in this person's chats, as they are written, until the session ends.

    They are for reading along: what counts is the answer itself, which comes as a stanza.
    """
    clock, jid, pulse = listener.hub.clock, listener.actor.jid, _Pulse(listener)
    await want(jid)
    said = clock.monotonic()
    yield event("ready", Mark(at=clock.now()))
    while not await pulse.over():
        piece = await _next(pieces, LOOK_S)
        if piece is not None and piece.agent_jid is not None:
            yield event("piece", ChatPiece.model_validate(piece))
            pulse.spoke()
        if clock.monotonic() - said >= WANT_S:
            await want(jid)
            said = clock.monotonic()
        if pulse.silent():
            yield BEAT


def _end(found: AnswerRead) -> bytes:
    shown: TurnOut = turn_out(found)
    return event("answer" if shown.answer is not None else "error", shown)


async def _next(pieces: Pieces, seconds: float) -> LiveDelta | None:
    try:
        async with asyncio.timeout(seconds):
            return await pieces.get()
    except TimeoutError:
        return None


async def changes(listener: Listener, end: EventPosition, since: Since | None) -> AsyncIterator[bytes]:
    """State events behind `since`, or from `end` on where that is not given, as they come.

    One who was away too long, or missed more than REPLAYED, is told to start anew, and goes on from `end`.
    """
    hub, actor, pulse = listener.hub, listener.actor, _Pulse(listener)
    lost = since is not None and (since.position > end or hub.clock.now() - since.at > KEPT)
    position = end if since is None or lost else since.position
    yield _mark("reset" if lost else "ready", position, hub)
    room = REPLAYED
    while not await pulse.over():
        found = await watch_events.more(hub, actor, position)
        for one in found:
            position = one.position
            yield event(
                f"{one.kind}.{one.state}", StateEventOut.model_validate(one), event_id(position, one.created_at)
            )
            pulse.spoke()
        room = room - len(found) if len(found) == watch_events.PAGE else REPLAYED
        if room <= 0:
            position, room = max(position, end), REPLAYED
            yield _mark("reset", position, hub)
        if not found:
            await asyncio.sleep(PAUSE_S)
        if pulse.silent():
            yield BEAT


async def workers(listener: Listener) -> AsyncIterator[bytes]:
    """The workers and the queue, now and whenever anything about them is another way."""
    hub, pulse, said = listener.hub, _Pulse(listener), b""
    while not await pulse.over():
        found = event("workers", worker_list(await list_workers.current(hub)))
        if found != said:
            said = found
            yield found
            pulse.spoke()
        await asyncio.sleep(PAUSE_S)
        if pulse.silent():
            yield BEAT


def _mark(name: str, position: EventPosition, hub: Hub) -> bytes:
    """An event that is none of the owner's: where the stream stands."""
    now = hub.clock.now()
    return event(name, Mark(at=now), event_id(position, now))


def event_id(position: EventPosition, at: datetime) -> str:
    """A position and its time as they stand in `id:`, and come back in Last-Event-ID."""
    return f"{position.xact}-{position.seq}-{int(at.timestamp())}"


def since_of(text: str) -> Since:
    """What a Last-Event-ID of the form that `event_id` makes stands for."""
    xact, seq, at = (int(part) for part in text.split("-"))
    return Since(EventPosition(xact, seq), datetime.fromtimestamp(at, UTC))
