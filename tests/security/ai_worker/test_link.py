"""The worker link refuses whoever is not the hub, and whatever is not the token's. Real gRPC, real certificates.

The messages come from the descriptors: a message that joins the service is attacked without a line added here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import grpc
import pytest
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from ai_worker.link import Guard, Guarded
from aiox.kernel.ids import HUB_OWNER
from aiox.runtime.clock import SystemClock
from aiox.runtime.tokens import TurnClaims
from aiox.wire.v1 import worker_pb2 as pb
from aiox.wire.v1.worker_pb2_grpc import AgentWorkerStub
from tests.security.ai_worker.certificates import Authority
from tests.security.ai_worker.link_harness import KEY, SECRET_WORDS, WORKER, Link, serving, token

OWNER, AGENT, FOREIGN = uuid4(), uuid4(), uuid4()
REFUSED = grpc.StatusCode.UNAUTHENTICATED
SOON_S = 60.0


@dataclass(frozen=True)
class Way:
    """One way for a message into the worker: a unary method, or a member of FromHub."""

    method: str
    member: str
    message: type[Message]

    def __str__(self) -> str:
        return f"{self.method}.{self.member or self.message.DESCRIPTOR.name}"


def ways() -> list[Way]:
    """Every way that the service has."""
    found = []
    for method in pb.DESCRIPTOR.services_by_name["AgentWorker"].methods:
        if not method.client_streaming:
            found.append(Way(method.name, "", GetMessageClass(method.input_type)))
            continue
        for field in method.input_type.fields:
            assert field.containing_oneof is not None, "a field of the stream outside its oneof would pass unguarded"
            assert field.message_type is not None
            found.append(Way(method.name, field.name, GetMessageClass(field.message_type)))
    return found


def good(way: Way, **changed: Any) -> Any:
    """A message that may pass; `changed` fields are set afterwards, `token_of` changes the token."""
    owner = HUB_OWNER if way.message is pb.HealthAsked else OWNER
    agent = HUB_OWNER if way.message is pb.HealthAsked else AGENT
    request = uuid4()
    values: dict[str, Any] = {
        "request_id": str(request),
        "owner_user_id": str(owner),
        "agent_id": str(agent),
        "subject_jid": "ann@example.org",
        "message": SECRET_WORDS,
        "timeout_ms": 5000,
        "max_total_tokens": 1000,
        "call_id": "unknown",
        "document_id": str(uuid4()),
        "title": SECRET_WORDS,
        "media_type": "text/plain",
        "content": SECRET_WORDS.encode(),
    }
    token_of: Callable[..., str] = changed.pop("token_of", token)
    values["token"] = token_of(owner, agent, request)
    fields = way.message.DESCRIPTOR.fields_by_name
    return way.message(**{name: value for name, value in (values | changed).items() if name in fields})


TURN = next(way for way in ways() if way.member == "turn_asked")


async def send(channel: grpc.aio.Channel, way: Way, message: Any) -> Any:
    """Sends a message; on the stream a good turn follows, whose end shows that the first one was let through."""
    stub: Any = AgentWorkerStub(channel)
    call = getattr(stub, way.method)
    if way.method == "IndexDocument":
        return [said async for said in call(message, timeout=SOON_S)][-1]
    if not way.member:
        return await call(message, timeout=SOON_S)
    stream, follower = call(timeout=SOON_S), good(TURN)
    await stream.write(pb.FromHub(**{way.member: message}))
    await stream.write(pb.FromHub(turn_asked=follower))
    return await end_of(stream, follower.request_id)


async def send_alone(channel: grpc.aio.Channel, way: Way, message: Any) -> Any:
    """Sends a message and nothing after it: writing to a stream that was just refused would hide its status."""
    if not way.member:
        return await send(channel, way, message)
    stub: Any = AgentWorkerStub(channel)
    stream = stub.StreamResponse(timeout=SOON_S)
    await stream.write(pb.FromHub(**{way.member: message}))
    return await end_of(stream, "nobody's")


async def end_of(stream: Any, request_id: str) -> Any:
    """TurnDone of a request. Raises AioRpcError with the status that ended the stream before."""
    while (answer := await stream.read()) is not grpc.aio.EOF:
        if answer.WhichOneof("body") == "turn_done" and answer.turn_done.request_id == request_id:
            stream.cancel()
            return answer.turn_done
    raise AssertionError("the worker ended the stream in good order and answered nothing")


async def refusal(channel: grpc.aio.Channel, way: Way, message: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await send_alone(channel, way, message)
    return refused.value


@pytest.fixture
async def link(tmp_path: Path) -> AsyncIterator[Link]:
    async with serving(tmp_path) as started:
        yield started


@pytest.fixture
async def channel(link: Link) -> AsyncIterator[grpc.aio.Channel]:
    async with link.hub() as opened:
        yield opened


class NoGuard(Guard):
    """The guard taken out: believes what the fields say."""

    def peer(self, authentication: object) -> None:
        """Lets everyone in."""

    def message(self, message: Guarded) -> TurnClaims:
        owner = UUID(message.owner_user_id) if message.owner_user_id else FOREIGN
        return TurnClaims(owner, AGENT, UUID(message.request_id), "")


@pytest.fixture
async def open_link(tmp_path: Path) -> AsyncIterator[Link]:
    async with serving(tmp_path, NoGuard) as started:
        yield started


# ---- every message ----


def test_all_ways_of_the_service_are_attacked() -> None:
    names = {str(way) for way in ways()}
    assert {"ProcessMessage.TurnAsked", "HealthCheck.HealthAsked", "IndexDocument.DocumentGiven"} <= names
    assert {f"StreamResponse.{field.name}" for field in pb.FromHub.DESCRIPTOR.fields} <= names


@pytest.mark.parametrize("way", ways(), ids=str)
def test_every_message_carries_owner_request_and_token(way: Way) -> None:
    assert {"owner_user_id", "request_id", "token"} <= set(way.message.DESCRIPTOR.fields_by_name)


@pytest.mark.parametrize("way", ways(), ids=str)
@pytest.mark.parametrize(
    ("attack", "defect"),
    [
        ({"owner_user_id": ""}, "no owner_user_id"),
        ({"owner_user_id": str(FOREIGN)}, "owner_user_id is not the token's"),
        ({"request_id": str(uuid4())}, "request_id is not the token's"),
        ({"request_id": ""}, "request_id is not the token's"),
        ({"token": ""}, "no token"),
        ({"token": "a.b.c"}, "not a token"),
    ],
    ids=["no owner", "foreign owner", "other request", "no request", "no token", "no such token"],
)
async def test_a_message_with_a_defect_is_refused_and_not_logged(
    link: Link, channel: grpc.aio.Channel, way: Way, attack: dict[str, str], defect: str
) -> None:
    refused = await refusal(channel, way, good(way, **attack))
    assert refused.code() is REFUSED
    assert defect in (refused.details() or "")
    assert link.memory.asked == []
    assert not any(SECRET_WORDS in line or str(FOREIGN) in line for line in link.log.lines)


@pytest.mark.parametrize("way", ways(), ids=str)
async def test_a_message_without_a_defect_is_taken(channel: grpc.aio.Channel, way: Way) -> None:
    await send(channel, way, good(way))


@pytest.mark.control
@pytest.mark.parametrize("way", ways(), ids=str)
@pytest.mark.parametrize("owner", ["", str(FOREIGN)], ids=["no owner", "foreign owner"])
async def test_without_the_guard_any_owner_is_taken(open_link: Link, way: Way, owner: str) -> None:
    async with open_link.hub() as channel:
        await send(channel, way, good(way, owner_user_id=owner, token=""))
    if way.message is pb.TurnAsked:
        assert open_link.memory.asked[0][0] == FOREIGN


@pytest.mark.parametrize("way", [way for way in ways() if "agent_id" in way.message.DESCRIPTOR.fields_by_name], ids=str)
async def test_another_agent_of_the_same_owner_is_refused(channel: grpc.aio.Channel, way: Way) -> None:
    refused = await refusal(channel, way, good(way, agent_id=str(uuid4())))
    assert (refused.code(), refused.details()) == (REFUSED, "agent_id is not the token's")


async def test_health_of_the_worker_is_not_for_owners(channel: grpc.aio.Channel) -> None:
    request = uuid4()
    asked = pb.HealthAsked(request_id=str(request), owner_user_id=str(OWNER), token=token(OWNER, AGENT, request))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await AgentWorkerStub(channel).HealthCheck(asked, timeout=SOON_S)
    assert refused.value.code() is REFUSED


async def test_a_stream_message_without_a_body_is_refused(channel: grpc.aio.Channel) -> None:
    stream: Any = AgentWorkerStub(channel).StreamResponse(timeout=SOON_S)
    await stream.write(pb.FromHub())
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await end_of(stream, "")
    assert refused.value.code() is REFUSED


# ---- the token ----


def past(owner: UUID, agent: UUID, request: UUID) -> str:
    return token(owner, agent, request, now=int(SystemClock().now().timestamp()) - 60)


def future(owner: UUID, agent: UUID, request: UUID) -> str:
    return token(owner, agent, request, now=int(SystemClock().now().timestamp()) + 120)


def for_another_worker(owner: UUID, agent: UUID, request: UUID) -> str:
    return token(owner, agent, request, worker_id="worker-other")


def with_another_key(owner: UUID, agent: UUID, request: UUID) -> str:
    return token(owner, agent, request, key=bytes(32))


@pytest.mark.parametrize("way", ways(), ids=str)
@pytest.mark.parametrize(
    ("made", "defect"),
    [
        (past, "expired"),
        (future, "expired"),
        (for_another_worker, "wrong claims"),
        (with_another_key, "wrong signature"),
    ],
)
async def test_a_wrong_token_is_refused(
    channel: grpc.aio.Channel, way: Way, made: Callable[[UUID, UUID, UUID], str], defect: str
) -> None:
    refused = await refusal(channel, way, good(way, token_of=made))
    assert (refused.code(), refused.details()) == (REFUSED, f"token: {defect}")


@pytest.mark.parametrize("way", ways(), ids=str)
async def test_a_message_sent_twice_is_refused_the_second_time(channel: grpc.aio.Channel, way: Way) -> None:
    message = good(way)
    await send(channel, way, message)
    refused = await refusal(channel, way, message)
    assert (refused.code(), refused.details()) == (REFUSED, "token: used already")


@pytest.mark.control
@pytest.mark.parametrize("way", ways(), ids=str)
async def test_without_the_guard_a_message_is_taken_twice(open_link: Link, way: Way) -> None:
    message = good(way, token_of=past)
    async with open_link.hub() as channel:
        await send(channel, way, message)
        await send(channel, way, message)


# ---- the certificate ----


async def health(channel: grpc.aio.Channel) -> pb.HealthReport:
    way = next(way for way in ways() if way.message is pb.HealthAsked)
    async with channel:
        report: pb.HealthReport = await send(channel, way, good(way))
    return report


async def unwelcome(channel: grpc.aio.Channel) -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await health(channel)
    return refused.value.code()


async def test_no_certificate_is_refused(link: Link) -> None:
    assert await unwelcome(link.channel(None)) is grpc.StatusCode.UNAVAILABLE


async def test_another_authoritys_certificate_is_refused(link: Link) -> None:
    # Even one of the same name.
    stranger = Authority("the hub's CA").issue("orchestrator.aiox")
    assert await unwelcome(link.channel(stranger)) is grpc.StatusCode.UNAVAILABLE


async def test_an_expired_certificate_is_refused(link: Link) -> None:
    expired = link.authority.issue("orchestrator.aiox", days=-1)
    assert await unwelcome(link.channel(expired)) is grpc.StatusCode.UNAVAILABLE


async def test_plain_text_is_refused(link: Link) -> None:
    assert await unwelcome(grpc.aio.insecure_channel(link.address)) is grpc.StatusCode.UNAVAILABLE


SERVICES = ["gateway.aiox", "component.aiox", "ai_worker.aiox", "orchestrator.aiox.evil.org"]
NOT_THE_ORCHESTRATOR = (REFUSED, "the certificate does not name the orchestrator")


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("way", [way for way in ways() if not way.member], ids=str)
async def test_another_service_of_the_hub_is_refused(link: Link, way: Way, service: str) -> None:
    async with link.channel(link.authority.issue(service)) as channel:
        refused = await refusal(channel, way, good(way))
    assert (refused.code(), refused.details()) == NOT_THE_ORCHESTRATOR


@pytest.mark.parametrize("service", SERVICES)
async def test_another_service_of_the_hub_gets_no_stream(link: Link, service: str) -> None:
    async with link.channel(link.authority.issue(service)) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await end_of(AgentWorkerStub(channel).StreamResponse(timeout=SOON_S), "")
    assert (refused.value.code(), refused.value.details()) == NOT_THE_ORCHESTRATOR


async def test_the_orchestrators_certificate_is_taken(link: Link) -> None:
    assert (await health(link.hub())).worker_id == WORKER


@pytest.mark.control
async def test_without_the_guard_another_service_is_taken(open_link: Link) -> None:
    report = await health(open_link.channel(open_link.authority.issue("gateway.aiox")))
    assert report.worker_id == WORKER


async def test_the_worker_must_show_a_certificate_of_the_hub_too(link: Link) -> None:
    pair = link.authority.issue("orchestrator.aiox")
    assert await unwelcome(link.channel(pair, Authority("another CA"))) is grpc.StatusCode.UNAVAILABLE


def test_the_key_of_the_tests_is_as_long_as_the_real_one() -> None:
    assert len(KEY) == 32
