"""One long-lived gRPC stream to one worker, multiplexed by request id. Mutual TLS, and a token per message."""

from __future__ import annotations

import asyncio
import secrets as random_source
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import grpc

from aiox.runtime.clock import Clock
from aiox.runtime.logs import Log
from aiox.runtime.secrets import Secrets
from aiox.runtime.tokens import mint
from aiox.wire.v1 import worker_pb2 as pb
from aiox.wire.v1.worker_pb2_grpc import AgentWorkerStub
from orchestrator.workers.desk import Desk
from orchestrator.workers.link_metrics import timed

SILENCE_S = 3.0
"""A link without a beat for this long is dead."""
_WAITING_MESSAGES: Final = 64
"""Of one turn, beyond which its worker is taken to be broken."""
_OF_A_TURN: Final = frozenset({"tool_asked", "tool_done", "turn_held", "turn_done"})


class WorkerLost(Exception):
    """The link broke; what the worker was thinking about is lost and can be asked elsewhere."""


Stream = grpc.aio.StreamStreamCall[pb.FromHub, pb.FromWorker]
Spawn = Callable[[str, Coroutine[Any, Any, None]], asyncio.Task[None]]
"""Runs a named short task: Supervisor.run_once."""
_Message = pb.ToolAsked | pb.ToolDone | pb.TurnHeld | pb.TurnDone


@dataclass(slots=True)
class _Open:
    """A turn that is being thought about. Its own task reads `news`: the link's reader waits for nobody."""

    owner: str
    desk: Desk
    news: asyncio.Queue[_Message | WorkerLost] = field(default_factory=lambda: asyncio.Queue(_WAITING_MESSAGES + 1))
    over: bool = False
    """The worker has said its last word on it."""


@dataclass(frozen=True, slots=True)
class _Ending:
    """An attempt that was given up. The worker's last word on it says what it has cost."""

    counted: Callable[[int], None]
    over: asyncio.Event = field(default_factory=asyncio.Event)


def open_channel(address: str, secrets: Secrets) -> grpc.aio.Channel:
    """A channel that trusts the hub's own CA only, and shows the orchestrator's certificate."""
    credentials = grpc.ssl_channel_credentials(
        root_certificates=secrets.read_bytes("ca.crt"),
        private_key=secrets.read_bytes("tls.key"),
        certificate_chain=secrets.read_bytes("tls.crt"),
    )
    options = [("grpc.ssl_target_name_override", "ai_worker.aiox"), ("grpc.enable_http_proxy", 0)]
    return grpc.aio.secure_channel(address, credentials, options=options)


class WorkerLink:
    """Asks one worker. Create it, start `run`, then `think`. It owns the channel and closes it with the link."""

    def __init__(
        self, worker_id: str, channel: grpc.aio.Channel, key: bytes, clock: Clock, log: Log, spawn: Spawn
    ) -> None:
        self._worker_id = worker_id
        self._channel = channel
        self._stub = AgentWorkerStub(channel)
        self._key = key
        self._clock = clock
        self._log = log
        self._spawn = spawn
        self._alive = False
        self._outgoing: asyncio.Queue[pb.FromHub] = asyncio.Queue()
        self._open: dict[str, _Open] = {}
        self._ending: dict[str, _Ending] = {}

    async def run(self, opened: Callable[[], None]) -> None:
        """Reads until the link breaks; then everyone who waits gets WorkerLost. Calls `opened` at the first beat."""
        stream: Stream = self._stub.StreamResponse()
        self._alive = True
        writer = self._spawn(f"writer {self._worker_id}", self._write(stream))
        told = False
        try:
            while True:
                async with asyncio.timeout(SILENCE_S):
                    message = await stream.read()
                if not isinstance(message, pb.FromWorker):  # grpc.aio.EOF
                    raise WorkerLost(f"{self._worker_id} closed the link")
                if not told:
                    opened()
                    told = True
                self._receive(message)
        except TimeoutError:
            raise WorkerLost(f"{self._worker_id} is silent") from None
        except grpc.aio.AioRpcError as broken:
            raise WorkerLost(f"{self._worker_id}: {broken.code().name}") from broken
        finally:
            self._alive = False
            writer.cancel()
            stream.cancel()
            for turn in self._open.values():
                _give(turn, WorkerLost(self._worker_id))
            while self._ending:
                self._ending.popitem()[1].over.set()
            await self._channel.close()

    async def think(self, asked: pb.TurnAsked, desk: Desk) -> pb.TurnDone:
        """One turn; its tool calls are judged and recorded at the desk. Raises WorkerLost, and what the desk raises.

        However it ends early, the worker is told to stop. A turn that is asked anew, with one message more, waits until
        the worker has ended the attempt before: what that one says last would be taken for an answer to this one.
        """
        while (ending := self._ending.get(asked.request_id)) is not None:
            await ending.over.wait()
        request = pb.TurnAsked()
        request.CopyFrom(asked)
        request.token = self.token(asked.owner_user_id, asked.agent_id, asked.request_id)
        turn = _Open(asked.owner_user_id, desk)
        self._open[asked.request_id] = turn
        try:
            with timed("StreamResponse", WorkerLost):
                self._send(pb.FromHub(turn_asked=request))
                return await self._followed(asked, turn, desk)
        finally:
            self._open.pop(asked.request_id, None)

    async def _followed(self, asked: pb.TurnAsked, turn: _Open, desk: Desk) -> pb.TurnDone:
        """To its end, or to what it has cost so far."""
        try:
            return await self._follow(asked, turn, desk)
        except WorkerLost:
            desk.cut_off()
            raise
        except BaseException:
            ending = _Ending(desk.cut_off())
            self._cancel(asked)
            if turn.over:
                _count_last(turn, ending)
            elif self._alive:
                self._ending[asked.request_id] = ending
            raise

    async def _follow(self, asked: pb.TurnAsked, turn: _Open, desk: Desk) -> pb.TurnDone:
        while True:
            news = await turn.news.get()
            if isinstance(news, WorkerLost):
                raise news
            if isinstance(news, pb.TurnDone):
                return news
            if isinstance(news, pb.ToolDone):
                await desk.done(news)
                continue
            if isinstance(news, pb.TurnHeld):
                await desk.held(news)
                continue
            answer = await desk.asked(news)
            answer.request_id, answer.owner_user_id = asked.request_id, asked.owner_user_id
            answer.call_id = news.call_id
            answer.token = self.token(asked.owner_user_id, asked.agent_id, asked.request_id)
            if isinstance(answer, pb.ToolAllowed):
                self._send(pb.FromHub(tool_allowed=answer))
            elif isinstance(answer, pb.ToolHeld):
                self._send(pb.FromHub(tool_held=answer))
            else:
                self._send(pb.FromHub(tool_refused=answer))

    async def index(self, given: pb.DocumentGiven, timeout_s: float) -> AsyncGenerator[pb.DocumentIndexed, None]:
        """Has a document read, cut, embedded and stored: how far it is, last how it ended. Raises WorkerLost."""
        request = pb.DocumentGiven()
        request.CopyFrom(given)
        request.token = self.token(given.owner_user_id, given.agent_id, given.request_id)
        try:
            with timed("IndexDocument", WorkerLost):
                async for said in self._stub.IndexDocument(request, timeout=timeout_s):
                    yield said
        except grpc.aio.AioRpcError as broken:
            raise WorkerLost(f"{self._worker_id}: {broken.code().name}") from broken
        except (grpc.aio.UsageError, asyncio.CancelledError) as closed:
            # A channel that closes cancels the calls on it; that is not this task being cancelled.
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise WorkerLost(f"{self._worker_id}: the link was closed") from closed

    async def look(self, asked: pb.McpLookAsked, timeout_s: float) -> pb.McpLooked:
        """Has an MCP server looked at. Raises WorkerLost."""
        request = pb.McpLookAsked()
        request.CopyFrom(asked)
        request.token = self.token(asked.owner_user_id, asked.agent_id, asked.request_id)
        try:
            with timed("LookAtMcp", WorkerLost):
                return await self._stub.LookAtMcp(request, timeout=timeout_s)
        except grpc.aio.AioRpcError as broken:
            raise WorkerLost(f"{self._worker_id}: {broken.code().name}") from broken
        except (grpc.aio.UsageError, asyncio.CancelledError) as closed:
            task = asyncio.current_task()  # as above
            if task is not None and task.cancelling():
                raise
            raise WorkerLost(f"{self._worker_id}: the link was closed") from closed

    def token(self, owner: str, agent: str, request: str) -> str:
        """A token for one message about this request."""
        return mint(
            self._key,
            self._worker_id,
            UUID(owner),
            UUID(agent),
            UUID(request),
            random_source.token_hex(16),
            int(self._clock.now().timestamp()),
        )

    def _cancel(self, asked: pb.TurnAsked) -> None:
        token = self.token(asked.owner_user_id, asked.agent_id, asked.request_id)
        cancel = pb.Cancel(request_id=asked.request_id, owner_user_id=asked.owner_user_id, token=token)
        try:
            self._send(pb.FromHub(cancel=cancel))
        except WorkerLost:
            self._log.info("cancel_not_sent", worker_id=self._worker_id)

    def _send(self, message: pb.FromHub) -> None:
        if not self._alive:
            raise WorkerLost(self._worker_id)
        self._outgoing.put_nowait(message)

    async def _write(self, stream: Stream) -> None:
        """One writer for all turns: a turn that is cancelled while it writes would take the whole stream with it."""
        # The reader sees the same break, and tells everyone.
        with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError, grpc.aio.UsageError):
            while True:
                await stream.write(await self._outgoing.get())

    def _receive(self, message: pb.FromWorker) -> None:
        kind = message.WhichOneof("body")
        if kind == "beat":
            return
        if kind == "delta":
            self._show(message.delta)
            return
        if kind not in _OF_A_TURN:
            self._log.warning("unexpected_from_worker", worker_id=self._worker_id, kind=str(kind))
            return
        news: _Message = getattr(message, kind)
        if isinstance(news, pb.TurnDone) and (ending := self._ending.pop(news.request_id, None)) is not None:
            ending.counted(news.input_tokens + news.output_tokens)
            ending.over.set()
            return
        turn = self._open.get(news.request_id)
        if turn is None:
            return
        if news.owner_user_id != turn.owner:
            _give(turn, WorkerLost(f"{self._worker_id} answered for another owner"))
        elif turn.news.qsize() >= _WAITING_MESSAGES:
            _give(turn, WorkerLost(f"{self._worker_id} says more about a turn than can be read"))
        else:
            turn.over = kind == "turn_done"
            turn.news.put_nowait(news)

    def _show(self, delta: pb.Delta) -> None:
        """A piece of an answer, to the desk of its turn. Of a turn that is over, or of another owner's, nothing."""
        turn = self._open.get(delta.request_id)
        if turn is not None and turn.owner == delta.owner_user_id:
            turn.desk.said(delta.text)


def _count_last(turn: _Open, ending: _Ending) -> None:
    """The last word came, and nobody has read it."""
    while not turn.news.empty():
        if isinstance(last := turn.news.get_nowait(), pb.TurnDone):
            ending.counted(last.input_tokens + last.output_tokens)


def _give(turn: _Open, lost: WorkerLost) -> None:
    """The last place of the queue is kept for this; whoever has it already has been told enough."""
    if not turn.news.full():
        turn.news.put_nowait(lost)
