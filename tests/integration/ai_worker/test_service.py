"""The worker as a process of its own, on real PostgreSQL and NATS, asked by a hub with the hub's certificates."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import grpc
import pytest
from nats.aio.msg import Msg

from aiox.kernel.envelope import WorkerBeat
from aiox.kernel.ids import HUB_OWNER
from aiox.runtime.clock import SystemClock
from aiox.runtime.logs import configure_logs
from aiox.runtime.nats import WORKER_BEAT, connect
from aiox.runtime.postgres import owner_scope
from aiox.runtime.settings import Settings, environment
from aiox.runtime.steps import Step
from aiox.runtime.tokens import mint
from aiox.wire.codec import decode
from aiox.wire.v1 import worker_pb2 as pb
from aiox.wire.v1.worker_pb2_grpc import AgentWorkerStub
from tests.stack import Place
from tests.stores import NOW, Stores

GUIDE = b"# Guide\n\n## Start\nThe hub starts with make up.\n\n## Ports\nThe web page is on port 8080.\n"
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
ANN = "ann@example.org"


@dataclass
class Worker:
    """A running worker, and the hub's end of its link."""

    process: asyncio.subprocess.Process
    stub: Any
    beats: asyncio.Queue[WorkerBeat]
    settings: Settings
    stores: Stores
    owner: UUID
    agent: UUID

    def token(self, request: UUID, owner: UUID, agent: UUID) -> str:
        key = bytes.fromhex(self.stores.home.secrets("orchestrator").read("worker_link"))
        worker_id = f"worker-{self.settings.ports.ai_worker}"
        return mint(key, worker_id, owner, agent, request, str(uuid4()), int(SystemClock().now().timestamp()))

    def turn(self, message: str, **changed: Any) -> pb.TurnAsked:
        request = uuid4()
        values: dict[str, Any] = {
            "subject_jid": ANN,
            "agent_name": "Ada",
            "timeout_ms": 10_000,
            "max_total_tokens": 2000,
        }
        return pb.TurnAsked(
            request_id=str(request),
            owner_user_id=str(self.owner),
            agent_id=str(self.agent),
            token=self.token(request, self.owner, self.agent),
            message=message,
            **(values | changed),
        )

    async def index(self, content: bytes = GUIDE, media_type: str = "text/markdown") -> pb.DocumentIndexed:
        document_id, request = uuid4(), uuid4()
        async with owner_scope(self.stores.pools["gateway"], self.owner) as connection:
            await connection.execute(
                "INSERT INTO documents (id, owner_user_id, agent_id, title, source, media_type, sha256, bytes,"
                " embedding_model, created_at) VALUES ($1, $2, $3, 'Guide', $4, 'text/markdown', $5, 1, 'm', $6)",
                document_id,
                self.owner,
                self.agent,
                str(document_id),
                b"x",
                NOW,
            )
        asked = self.stub.IndexDocument(
            pb.DocumentGiven(
                request_id=str(request),
                owner_user_id=str(self.owner),
                agent_id=str(self.agent),
                token=self.token(request, self.owner, self.agent),
                document_id=str(document_id),
                title="Guide",
                media_type=media_type,
                content=content,
            )
        )
        said: list[pb.DocumentIndexed] = [one async for one in asked]
        return said[-1]


@pytest.fixture(scope="module")
async def worker(stores: Stores, nats: Place) -> AsyncIterator[Worker]:
    settings = nats.settings
    actor = await stores.account()
    agent = await stores.agent(actor)
    secrets = stores.home.secrets("orchestrator")
    beats: asyncio.Queue[WorkerBeat] = asyncio.Queue()

    async def heard(message: Msg) -> None:
        payload = decode(message.data).payload
        assert isinstance(payload, WorkerBeat)
        beats.put_nowait(payload)

    bus = await connect(settings, secrets, "orchestrator", configure_logs("test", "ERROR"))
    await bus.subscribe(WORKER_BEAT, cb=heard)
    credentials = grpc.ssl_channel_credentials(
        secrets.read_bytes("ca.crt"), secrets.read_bytes("tls.key"), secrets.read_bytes("tls.crt")
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "aiox.cli.main", "run", "ai_worker"),
        env=environment(stores.home.root),
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        async with grpc.aio.secure_channel(f"127.0.0.1:{settings.ports.ai_worker}", credentials) as channel:
            async with asyncio.timeout(60):
                await beats.get()
            yield Worker(process, AgentWorkerStub(channel), beats, settings, stores, actor.owner, agent)
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
        await bus.close()


async def asked(stream: Any, turn: pb.TurnAsked) -> tuple[pb.TurnDone, str]:
    """The end of a turn on a stream, and the pieces that came before."""
    await stream.write(pb.FromHub(turn_asked=turn))
    pieces: list[str] = []
    while True:
        answer = await stream.read()
        kind = answer.WhichOneof("body")
        if kind == "delta" and answer.delta.request_id == turn.request_id:
            pieces.append(answer.delta.text)
        if kind == "turn_done" and answer.turn_done.request_id == turn.request_id:
            return answer.turn_done, "".join(pieces)


async def test_a_document_is_indexed_and_cited(worker: Worker) -> None:
    indexed = await worker.index()
    assert (indexed.chunks, indexed.error_code) == (2, "")
    stream = worker.stub.StreamResponse()
    done, pieces = await asked(stream, worker.turn("How do I start the hub?", traceparent=TRACEPARENT, live=True))
    stream.cancel()
    assert done.success
    assert "“The hub starts with make up.”\n— Guide, section “Start”" in done.response
    assert pieces == done.response
    assert done.model == "offline"
    assert done.citations[0].title == "Guide"
    assert done.recalled_ids[0] == done.citations[0].memory_id
    assert done.tokens_used == done.input_tokens + done.output_tokens > 0


async def test_a_fact_is_remembered_for_who_told_it(worker: Worker) -> None:
    done = await worker.stub.ProcessMessage(worker.turn("Please remember that my cat is called Ada."))
    assert "I will remember: “my cat is called Ada”" in done.response
    done = await worker.stub.ProcessMessage(worker.turn("What is my cat called?"))
    assert "You told me: “my cat is called Ada”" in done.response
    other = await worker.stub.ProcessMessage(worker.turn("What is my cat called?", subject_jid="bob@example.org"))
    assert "called Ada" not in other.response


async def test_many_turns_share_a_stream_and_each_gets_its_own_answer(worker: Worker) -> None:
    stream = worker.stub.StreamResponse()
    turns = [worker.turn("Hello!", agent_name=f"Agent {number}") for number in range(6)]
    for turn in turns:
        await stream.write(pb.FromHub(turn_asked=turn))
    names: dict[str, str] = {}
    while len(names) < len(turns):
        answer = await stream.read()
        if answer.WhichOneof("body") == "turn_done":
            names[answer.turn_done.request_id] = answer.turn_done.response
    stream.cancel()
    assert all(turn.agent_name in names[turn.request_id] for turn in turns)


async def test_the_link_beats_by_itself(worker: Worker) -> None:
    stream = worker.stub.StreamResponse()
    async with asyncio.timeout(60):
        first, second = [await stream.read() for _ in range(2)]
    stream.cancel()
    assert [first.WhichOneof("body"), second.WhichOneof("body")] == ["beat", "beat"]
    assert first.beat.owner_user_id == str(HUB_OWNER)


@pytest.mark.parametrize(
    ("content", "media_type", "code"),
    [
        (b"%PDF-1.7 nothing", "text/plain", "BODY_INVALID"),
        (b"\x89PNG", "text/plain", "BODY_INVALID"),
        (b"\xff\xfe\xfa", "text/plain", "BODY_INVALID"),
        (b"  \n ", "text/plain", "BODY_INVALID"),
    ],
)
async def test_a_document_that_cannot_be_read_has_a_code(
    worker: Worker, content: bytes, media_type: str, code: str
) -> None:
    indexed = await worker.index(content, media_type)
    assert (indexed.error_code, indexed.chunks) == (code, 0)


async def test_a_beat_says_how_the_worker_is(worker: Worker) -> None:
    async with asyncio.timeout(60):
        beat = await worker.beats.get()
    assert (beat.host, beat.port, beat.pool) == ("127.0.0.1", worker.settings.ports.ai_worker, "default")
    assert beat.capacity == worker.settings.limits.worker_capacity
    assert beat.memory_bytes > 50_000_000


async def test_sigterm_drains_says_so_and_ends_in_order(worker: Worker) -> None:
    """Last in this file: it stops the worker."""
    while not worker.beats.empty():
        worker.beats.get_nowait()
    stream = worker.stub.StreamResponse()
    await stream.read()
    worker.process.send_signal(signal.SIGTERM)
    statuses = set()
    while "draining" not in statuses:
        async with asyncio.timeout(60):
            statuses.add((await worker.beats.get()).status)
    async with asyncio.timeout(60):
        assert await worker.process.wait() == 0
    while (answer := await stream.read()) is not grpc.aio.EOF:
        assert answer.WhichOneof("body") == "beat"
    assert await stream.code() is grpc.StatusCode.OK
    spans = [json.loads(line) for line in (worker.stores.home.traces / "ai_worker.jsonl").read_text().splitlines()]
    mine = {span["name"] for span in spans if span["pid"] == worker.process.pid}
    assert mine == {Step.THOUGHT, Step.LONG_TERM, "chat offline"}
