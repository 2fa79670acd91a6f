"""One long-lived gRPC stream to one worker, multiplexed by request id. Mutual TLS, and a token per message."""

from __future__ import annotations

import asyncio
import secrets as random_source
from collections.abc import Callable
from uuid import UUID

import grpc

from aiox.runtime.clock import Clock
from aiox.runtime.logs import Log
from aiox.runtime.secrets import Secrets
from aiox.runtime.tokens import mint
from aiox.wire.v1 import worker_pb2 as pb
from aiox.wire.v1.worker_pb2_grpc import AgentWorkerStub

SILENCE_S = 3.0
"""A link without a beat for this long is dead."""


class WorkerLost(Exception):
    """The link broke; what the worker was thinking about is lost and can be asked elsewhere."""


Stream = grpc.aio.StreamStreamCall[pb.FromHub, pb.FromWorker]


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
    """Asks one worker. Create it, start `run`, then `think`."""

    def __init__(self, worker_id: str, channel: grpc.aio.Channel, key: bytes, clock: Clock, log: Log) -> None:
        self._worker_id = worker_id
        self._stub = AgentWorkerStub(channel)
        self._key = key
        self._clock = clock
        self._log = log
        self._stream: Stream | None = None
        self._writing = asyncio.Lock()
        self._waiting: dict[str, tuple[str, asyncio.Future[pb.TurnDone]]] = {}
        self._last_beat = 0.0

    async def run(self, opened: Callable[[], None]) -> None:
        """Reads until the link breaks; then everyone who waits gets WorkerLost. Calls `opened` at the first beat."""
        stream: Stream = self._stub.StreamResponse()
        self._stream = stream
        self._last_beat = self._clock.monotonic()
        told = False
        try:
            while True:
                async with asyncio.timeout(SILENCE_S):
                    message = await stream.read()
                if not isinstance(message, pb.FromWorker):  # grpc.aio.EOF
                    raise WorkerLost(f"{self._worker_id} closed the link")
                self._last_beat = self._clock.monotonic()
                if not told:
                    opened()
                    told = True
                self._receive(message)
        except TimeoutError:
            raise WorkerLost(f"{self._worker_id} is silent") from None
        except grpc.aio.AioRpcError as broken:
            raise WorkerLost(f"{self._worker_id}: {broken.code().name}") from broken
        finally:
            self._stream = None
            stream.cancel()
            for _, done in self._waiting.values():
                if not done.done():
                    done.set_exception(WorkerLost(self._worker_id))

    async def think(self, asked: pb.TurnAsked) -> pb.TurnDone:
        """One turn. Raises WorkerLost. When cancelled, the worker is told to stop."""
        request = pb.TurnAsked()
        request.CopyFrom(asked)
        request.token = self.token(asked.owner_user_id, asked.agent_id, asked.request_id)
        done: asyncio.Future[pb.TurnDone] = asyncio.get_running_loop().create_future()
        self._waiting[asked.request_id] = (asked.owner_user_id, done)
        try:
            await self._send(pb.FromHub(turn_asked=request))
            return await done
        except asyncio.CancelledError:
            await self._cancel(asked)
            raise
        finally:
            self._waiting.pop(asked.request_id, None)

    async def index(self, given: pb.DocumentGiven, timeout_s: float) -> pb.DocumentIndexed:
        """Has a document cut, embedded and stored. Raises WorkerLost."""
        request = pb.DocumentGiven()
        request.CopyFrom(given)
        request.token = self.token(given.owner_user_id, given.agent_id, given.request_id)
        try:
            return await self._stub.IndexDocument(request, timeout=timeout_s)
        except grpc.aio.AioRpcError as broken:
            raise WorkerLost(f"{self._worker_id}: {broken.code().name}") from broken

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

    async def _cancel(self, asked: pb.TurnAsked) -> None:
        token = self.token(asked.owner_user_id, asked.agent_id, asked.request_id)
        cancel = pb.Cancel(request_id=asked.request_id, owner_user_id=asked.owner_user_id, token=token)
        try:
            await self._send(pb.FromHub(cancel=cancel))
        except WorkerLost:
            self._log.info("cancel_not_sent", worker_id=self._worker_id)

    async def _send(self, message: pb.FromHub) -> None:
        if self._stream is None:
            raise WorkerLost(self._worker_id)
        try:
            async with self._writing:
                await self._stream.write(message)
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError, grpc.aio.UsageError) as broken:
            raise WorkerLost(f"{self._worker_id} cannot be written to") from broken

    def _receive(self, message: pb.FromWorker) -> None:
        kind = message.WhichOneof("body")
        if kind == "turn_done":
            done = message.turn_done
            owner, future = self._waiting.get(done.request_id, ("", None))
            if future is None or future.done():
                return
            if done.owner_user_id != owner:
                future.set_exception(WorkerLost(f"{self._worker_id} answered for another owner"))
                return
            future.set_result(done)
        elif kind not in ("beat", "delta"):
            self._log.warning("unexpected_from_worker", worker_id=self._worker_id, kind=str(kind))
