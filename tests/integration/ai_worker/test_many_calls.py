"""Thousands of model calls, many cancelled and many refused: the worker's memory stays, and no socket is left.

A real worker process, asked over its link; the endpoint is in this process. Long: `make prove PART=ten_thousand_calls`.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import grpc
import pytest

from aiox.runtime.clock import SystemClock
from aiox.runtime.settings import Settings, environment
from aiox.runtime.tokens import mint
from aiox.wire.v1 import worker_pb2 as pb
from aiox.wire.v1.worker_pb2_grpc import AgentWorkerStub
from bench.stub_model import Scripted, StubModel, stub_model
from setup.prove import note
from tests.stack import Place
from tests.stores import Stores

AT_ONCE = 8
GROWTH = 1.05
PATIENCE_S = 60.0
PAGE = 4096
OWNER, AGENT = uuid4(), uuid4()


def kind_of(number: int) -> str:
    """Of ten calls three are cancelled and one is refused."""
    return "refuse" if number % 10 == 0 else "cancel" if number % 10 in {1, 2, 3} else "answer"


def decide(question: str) -> Scripted:
    kind = question.split()[0]
    if kind == "refuse":
        return Scripted("no", status=429, retry_after="600")
    return Scripted("half of it", breaks="stall") if kind == "cancel" else Scripted("a whole answer " * 20)


@dataclass
class Caller:
    """The hub's end of a link to a worker process."""

    settings: Settings
    key: bytes
    process: asyncio.subprocess.Process
    model: StubModel
    stream: Any
    waiting: dict[str, asyncio.Queue[pb.FromWorker]] = field(default_factory=dict)
    ended: Counter[str] = field(default_factory=Counter)
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def token(self, request: UUID, owner: UUID = OWNER, agent: UUID = AGENT) -> str:
        worker_id = f"worker-{self.settings.ports.ai_worker}"
        return mint(self.key, worker_id, owner, agent, request, str(uuid4()), int(SystemClock().now().timestamp()))

    async def send(self, message: pb.FromHub) -> None:
        """One at a time: a stream takes no second message before it has the first."""
        async with self.writing:
            await self.stream.write(message)

    async def read(self) -> None:
        """Hands each turn what is said of it."""
        while (message := await self.stream.read()) is not grpc.aio.EOF:
            body = getattr(message, message.WhichOneof("body"))
            if body.request_id in self.waiting:
                self.waiting[body.request_id].put_nowait(message)

    async def call(self, number: int) -> None:
        """One turn, to its end; one that is to be cancelled is cancelled at its first piece."""
        kind, request = kind_of(number), uuid4()
        heard = self.waiting[str(request)] = asyncio.Queue()
        await self.send(pb.FromHub(turn_asked=self._asked(request, kind, number)))
        while (message := await heard.get()).WhichOneof("body") != "turn_done":
            if kind == "cancel":
                cancel = pb.Cancel(request_id=str(request), owner_user_id=str(OWNER), token=self.token(request))
                await self.send(pb.FromHub(cancel=cancel))
        del self.waiting[str(request)]
        done = message.turn_done
        self.ended[f"{kind} {done.error_code or 'answered'} {'used' if done.tokens_used else 'free'}"] += 1

    def _asked(self, request: UUID, kind: str, number: int) -> pb.TurnAsked:
        # A refused key is left alone for as long as its provider said: each refusal has a key of its own.
        key = f"key-{number}" if kind == "refuse" else "key"
        return pb.TurnAsked(
            request_id=str(request),
            owner_user_id=str(OWNER),
            agent_id=str(AGENT),
            token=self.token(request),
            message=f"{kind} {number}",
            timeout_ms=120_000,
            max_total_tokens=20_000,
            llm_config=pb.LlmConfig(provider="openai", model="stub"),
            memory_config=pb.MemoryConfig(type="short_term"),
            credentials=[pb.Credential(provider="openai", api_base=self.model.url, api_key=key)],
        )

    async def calls(self, first: int, count: int) -> None:
        """So many turns, a few at a time."""
        free = asyncio.Semaphore(AT_ONCE)

        async def one(number: int) -> None:
            async with free:
                await self.call(number)

        await asyncio.gather(*(one(number) for number in range(first, first + count)))

    def memory(self) -> int:
        """Resident memory of the worker, in bytes."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * PAGE

    def sockets(self) -> int:
        """Open sockets of the worker."""
        links = [path.readlink() for path in Path(f"/proc/{self.process.pid}/fd").iterdir() if path.is_symlink()]
        return sum(str(link).startswith("socket:") for link in links)


@asynccontextmanager
async def calling(place: Place, stores: Stores) -> AsyncIterator[Caller]:
    settings, secrets = place.settings, stores.home.secrets("orchestrator")
    credentials = grpc.ssl_channel_credentials(
        secrets.read_bytes("ca.crt"), secrets.read_bytes("tls.key"), secrets.read_bytes("tls.crt")
    )
    command = (sys.executable, "-m", "aiox.cli.main", "run", "ai_worker")
    process = await asyncio.create_subprocess_exec(
        *command, env=environment(stores.home.root), stdout=asyncio.subprocess.DEVNULL
    )
    try:
        async with (
            stub_model(keep_requests=False, keepalive_s=0.5) as model,
            grpc.aio.secure_channel(f"127.0.0.1:{settings.ports.ai_worker}", credentials) as channel,
        ):
            model.decides = decide
            async with asyncio.timeout(PATIENCE_S):
                await channel.channel_ready()
            key = bytes.fromhex(secrets.read("worker_link"))
            stream = AgentWorkerStub(channel).StreamResponse()
            caller = Caller(settings, key, process, model, stream)
            reading = asyncio.create_task(caller.read())
            yield caller
            stream.cancel()
            reading.cancel()
    finally:
        process.terminate()
        await process.wait()


async def through(caller: Caller, warm: int, count: int) -> float:
    """How much the worker's memory has grown over `count` calls, once it is warm; no socket is left of them."""
    before = caller.sockets()
    await caller.calls(0, warm)
    memory = caller.memory()
    await caller.calls(warm, count)
    growth = caller.memory() / memory
    async with asyncio.timeout(PATIENCE_S):
        while caller.sockets() > before:
            await asyncio.sleep(0.05)
    tenth = (warm + count) // 10
    assert caller.ended == {
        "answer answered used": 6 * tenth,
        "cancel TIMEOUT used": 3 * tenth,
        "refuse RATE_LIMIT free": tenth,
    }
    return growth


async def test_five_hundred_calls_leave_nothing_behind(nats: Place, stores: Stores) -> None:
    async with calling(nats, stores) as caller:
        assert await through(caller, 300, 500) < GROWTH


@pytest.mark.prove
async def test_ten_thousand_calls_leave_nothing_behind(nats: Place, stores: Stores) -> None:
    async with calling(nats, stores) as caller:
        growth = await through(caller, 1000, 10_000)
        megabytes = caller.memory() / 2**20
    note(f"10,000 calls, 30 % cancelled, 10 % refused: the worker's {megabytes:.0f} MB grew by {growth - 1:.2%}")
    assert growth < GROWTH


@pytest.mark.control
async def test_control_a_connection_that_is_held_is_counted(nats: Place, stores: Stores) -> None:
    async with calling(nats, stores) as caller:
        before = caller.sockets()
        request = uuid4()
        caller.waiting[str(request)] = asyncio.Queue()
        await caller.send(pb.FromHub(turn_asked=caller._asked(request, "cancel", 1)))
        await caller.waiting[str(request)].get()
        assert caller.sockets() > before
