"""One link to the hub: messages in, turns started and given up, messages out. Multiplexed by request_id.

A reader never waits on a turn: turns are tasks, what they say goes into this link's queue, and pieces of answers are
dropped when the hub does not read fast enough. An answer about a tool that nobody asked for is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from ai_worker.link import Guard, LinkRefused
from ai_worker.pieces import Pieces
from ai_worker.running import Key, Running
from ai_worker.tools.mcp.servers import Strangers
from ai_worker.tools.port import Allowed, Ended, NotAllowed
from ai_worker.translate import allowance, continues, tool_asked, tool_done, turn_done, turn_held, turn_of
from ai_worker.turn import Mind, Spent, think
from ai_worker.words import Task
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import HUB_OWNER
from aiox.kernel.outcome import Answered, Failed, Usage
from aiox.runtime.crash import CrashPoint
from aiox.runtime.tokens import TurnClaims
from aiox.wire.v1 import worker_pb2 as pb

DELTAS_WAITING: Final = 256
"""Messages in a link's queue beyond which pieces of answers are dropped."""
BEAT_S: Final = 1.0
_TOOL_ANSWERS: Final = frozenset({"tool_allowed", "tool_held", "tool_refused"})


@dataclass(frozen=True, slots=True)
class Office:
    """What all links of this worker share."""

    mind: Mind
    guard: Guard
    running: Running
    try_timeout_s: float
    """For one try at a model, in seconds."""
    strangers: Strangers | None = None
    """How MCP servers are met; None: not at all."""


class Session:
    """One link. `number` keeps its turns apart from those of other links."""

    def __init__(self, number: int, office: Office) -> None:
        self._number = number
        self._office = office
        self._out: asyncio.Queue[pb.FromWorker | None] = asyncio.Queue()
        self._turns: set[asyncio.Task[None]] = set()
        self._asking: dict[tuple[Key, str], asyncio.Future[Allowed | NotAllowed]] = {}

    def take(self, message: pb.FromHub) -> None:
        """Acts on one message of the hub, without waiting. Raises LinkRefused."""
        kind = message.WhichOneof("body")
        if kind is None:
            raise LinkRefused("no body that this worker knows")
        body = getattr(message, kind)
        claims = self._office.guard.message(body)
        if kind == "turn_asked":
            self.begin(body, claims)
        elif kind == "cancel":
            self._office.running.cancel(self._key(claims))
        elif kind in _TOOL_ANSWERS:
            self._answer_tool(self._key(claims), body)
        else:
            raise LinkRefused("no body that this worker knows")

    def begin(self, asked: pb.TurnAsked, claims: TurnClaims) -> None:
        """Starts a turn whose message has passed the guard; answers HUB_BUSY when there is no free place."""
        key, running = self._key(claims), self._office.running
        if running.knows(key):
            self._office.mind.log.warning("turn_asked_twice", request_id=str(claims.request))
        elif not continues(asked.continuation) or asked.task not in set(Task):
            self._refuse(asked, claims, ErrorCode.BODY_INVALID)
        elif running.draining or (running.full and not asked.hops):  # the place of who asks stands idle meanwhile
            self._refuse(asked, claims, ErrorCode.HUB_BUSY)
        else:
            task = running.start(key, self._turn(asked, claims))
            self._turns.add(task)
            task.add_done_callback(self._turns.discard)

    def _refuse(self, asked: pb.TurnAsked, claims: TurnClaims, code: ErrorCode) -> None:
        refused = Failed(code, SENTENCES[code], Usage(0, 0), self._office.mind.worker_id)
        self._send(pb.FromWorker(turn_done=turn_done(asked.request_id, claims.owner, refused)))

    async def messages(self) -> AsyncIterator[pb.FromWorker]:
        """What goes to the hub: a beat at once and then every second, and in between what turns say, until `end`."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            if loop.time() >= due:
                due = loop.time() + BEAT_S
                yield pb.FromWorker(
                    beat=pb.Beat(owner_user_id=str(HUB_OWNER), active_requests=self._office.running.active)
                )
            try:
                async with asyncio.timeout(max(due - loop.time(), 0.0)):
                    message = await self._out.get()
            except TimeoutError:
                continue
            if message is None:
                return
            yield message

    async def settled(self) -> None:
        """Waits until no turn of this link runs."""
        while self._turns:
            await asyncio.wait(self._turns)

    def end(self) -> None:
        """Ends `messages` once what waits is sent."""
        self._out.put_nowait(None)

    def close(self) -> None:
        """Gives up the turns of this link: nobody waits for them any more."""
        self._office.running.cancel_link(self._number)

    def _key(self, claims: TurnClaims) -> Key:
        return self._number, claims.owner, claims.request

    def _answer_tool(self, key: Key, answer: pb.ToolAllowed | pb.ToolHeld | pb.ToolRefused) -> None:
        """Hands the hub's answer to the turn that waits for it; one nobody waits for starts nothing."""
        waiting = self._asking.pop((key, answer.call_id), None)
        if waiting is not None and not waiting.done():
            waiting.set_result(allowance(answer))
            return
        refused = pb.ToolDone(
            request_id=answer.request_id,
            owner_user_id=answer.owner_user_id,
            call_id=answer.call_id,
            success=False,
            error_code=ErrorCode.TOOL_REFUSED,
        )
        self._send(pb.FromWorker(tool_done=refused))

    async def _turn(self, asked: pb.TurnAsked, claims: TurnClaims) -> None:
        mind, spent = self._office.mind, Spent()
        started = mind.clock.monotonic()

        def show(text: str) -> None:
            if self._out.qsize() < DELTAS_WAITING:
                delta = pb.Delta(request_id=asked.request_id, owner_user_id=asked.owner_user_id, text=text)
                self._send(pb.FromWorker(delta=delta))

        try:
            ear = _Ear(self._key(claims), asked, self._asking, self._send, lambda: spent.bill.usage.total)
            with Pieces(show, asyncio.get_running_loop(), live=asked.live) as pieces:
                turn = turn_of(asked, claims, self._office.try_timeout_s)
                outcome = await think(turn, mind, spent, pieces.say, ear)
        except asyncio.CancelledError:
            took = round((mind.clock.monotonic() - started) * 1000)
            # While the worker stops, the turn is not over: the hub asks another worker.
            code = ErrorCode.HUB_BUSY if self._office.running.draining else ErrorCode.TIMEOUT
            bill = spent.bill
            reason = "This turn was given up."
            given_up = Failed(code, reason, bill.usage, mind.worker_id, took, bill.model, bill.cost_nanousd)
            self._finish(asked.request_id, claims, given_up)
            raise
        self._office.running.took(outcome.worker_ms, mind.clock.monotonic())
        mind.crash(CrashPoint.BEFORE_DONE, asked.message)
        self._finish(asked.request_id, claims, outcome)

    def _finish(self, request_id: str, claims: TurnClaims, outcome: Answered | Failed) -> None:
        self._office.mind.log.info(
            "turn_thought",
            request_id=request_id,
            owner_user_id=str(claims.owner),
            agent_id=str(claims.agent),
            outcome=outcome.code if isinstance(outcome, Failed) else "answered",
            worker_ms=outcome.worker_ms,
            tokens_used=outcome.usage.total,
        )
        self._send(pb.FromWorker(turn_done=turn_done(request_id, claims.owner, outcome)))

    def _send(self, message: pb.FromWorker) -> None:
        self._out.put_nowait(message)


class _Ear:
    """The hub's ear for one turn on this link."""

    def __init__(
        self,
        key: Key,
        asked: pb.TurnAsked,
        asking: dict[tuple[Key, str], asyncio.Future[Allowed | NotAllowed]],
        send: Callable[[pb.FromWorker], None],
        used: Callable[[], int],
    ) -> None:
        """`used`: tokens of the turn's models so far."""
        self._used = used
        self._key = key
        self._turn = asked
        self._asking = asking
        self._send = send

    async def ask(self, index: int, tool: str, arguments: bytes, taint: Sequence[str]) -> Allowed | NotAllowed:
        """Asks, and waits for the answer on the link."""
        message = tool_asked(self._turn, index, tool, arguments, taint, self._used())
        place = (self._key, message.call_id)
        answer: asyncio.Future[Allowed | NotAllowed] = asyncio.get_running_loop().create_future()
        self._asking[place] = answer
        self._send(pb.FromWorker(tool_asked=message))
        try:
            return await answer
        finally:
            self._asking.pop(place, None)

    def held(self, index: int, transcript: bytes) -> None:
        """Hands over the transcript; never dropped."""
        self._send(pb.FromWorker(turn_held=turn_held(self._turn, index, transcript)))

    def told(self, index: int, ended: Ended) -> None:
        """Tells how it ended; never dropped."""
        self._send(pb.FromWorker(tool_done=tool_done(self._turn, index, ended)))


def done_in(message: pb.FromWorker, request: UUID) -> pb.TurnDone | None:
    """The end of this request's turn, when the message is that."""
    if message.WhichOneof("body") == "turn_done" and message.turn_done.request_id == str(request):
        return message.turn_done
    return None
