"""A turn that is cancelled stops its model call at once: the socket is closed, and what was used is said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from aiox.kernel.units import estimate_tokens
from aiox.wire.v1 import worker_pb2 as pb
from aiox.wire.v1.worker_pb2_grpc import AgentWorkerStub
from bench.stub_model import Scripted, StubModel, stub_model
from tests.security.ai_worker.link_harness import Link, serving, token

# litellm reads pydantic attributes in a way that newer pydantic only warns about.
pytestmark = pytest.mark.filterwarnings("ignore:Accessing the 'model_:DeprecationWarning")

OWNER, AGENT = uuid4(), uuid4()
SOON_S = 60.0
"""Far less than the turn may take: whoever waits for the turn's end fails."""
TURN_MS = 600_000


@pytest.fixture
async def link(tmp_path: Path) -> AsyncIterator[Link]:
    async with serving(tmp_path, try_timeout_s=TURN_MS / 1000) as opened:
        yield opened


@pytest.fixture
async def stub() -> AsyncIterator[StubModel]:
    async with stub_model() as running:
        yield running


def asked(request: UUID, provider: str, url: str) -> pb.TurnAsked:
    return pb.TurnAsked(
        request_id=str(request),
        owner_user_id=str(OWNER),
        agent_id=str(AGENT),
        token=token(OWNER, AGENT, request),
        message="tell me everything",
        timeout_ms=TURN_MS,
        max_total_tokens=4000,
        llm_config=pb.LlmConfig(provider=provider, model="stub", max_tokens=100),
        credentials=[pb.Credential(provider=provider, api_base=url, api_key="k")],
    )


def cancelled(request: UUID) -> pb.FromHub:
    cancel = pb.Cancel(request_id=str(request), owner_user_id=str(OWNER), token=token(OWNER, AGENT, request))
    return pb.FromHub(cancel=cancel)


async def until(stream: Any, kind: str) -> Any:
    async with asyncio.timeout(SOON_S):
        while (message := await stream.read()).WhichOneof("body") != kind:
            assert message.WhichOneof("body") != "turn_done", message.turn_done.error_code
    return getattr(message, kind)


@pytest.mark.parametrize("provider", ["openai", "mistral"])
@pytest.mark.parametrize("breaks", ["hang", "stall"])
async def test_cancelling_closes_the_socket_and_says_what_was_used(
    link: Link, stub: StubModel, provider: str, breaks: Any
) -> None:
    stub.script(Scripted("half an answer", breaks=breaks))
    request = uuid4()
    async with link.hub() as channel:
        stream = AgentWorkerStub(channel).StreamResponse()
        await stream.write(pb.FromHub(turn_asked=asked(request, provider, stub.url)))
        async with asyncio.timeout(SOON_S):
            while not stub.count:
                await asyncio.sleep(0.01)
        if breaks == "stall":
            await until(stream, "delta")
        await stream.write(cancelled(request))
        done = await until(stream, "turn_done")
        async with asyncio.timeout(SOON_S):
            while not stub.gone:
                await asyncio.sleep(0.01)
        stream.cancel()
    assert not done.success
    assert done.input_tokens > estimate_tokens("tell me everything")
    assert (done.output_tokens > 0) == (breaks == "stall")
    assert done.tokens_used == done.input_tokens + done.output_tokens
    assert (done.model, done.HasField("cost_nanousd")) == ("stub", False)


@pytest.mark.control
async def test_control_a_turn_that_nobody_cancels_keeps_its_socket(link: Link, stub: StubModel) -> None:
    stub.script(Scripted("half an answer", breaks="stall"))
    async with link.hub() as channel:
        stream = AgentWorkerStub(channel).StreamResponse()
        await stream.write(pb.FromHub(turn_asked=asked(uuid4(), "openai", stub.url)))
        await until(stream, "delta")
        for _ in range(2):
            await until(stream, "beat")
        assert stub.gone == 0
        stream.cancel()
