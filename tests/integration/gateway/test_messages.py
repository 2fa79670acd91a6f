"""Asking over HTTP: what is put on the bus, who may ask and read, streams. The bus and the hub behind it are played."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import structlog
from prometheus_client import CollectorRegistry

from aiox.kernel.agent import Visibility
from aiox.kernel.envelope import HTTP, CancelAsked, Envelope, LiveDelta, MessageReceived
from aiox.kernel.ids import OwnerId, TurnId, partition_of
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Answered, Citation, Usage
from aiox.runtime.keyring import Place
from aiox.runtime.nats import NotStored
from gateway import following
from gateway.app import make_app
from gateway.front import Front
from gateway.guard import App
from gateway.live import Pieces
from gateway.streams import Streams
from registry import personal_data, tenants
from registry.asked import AskedEnd, end, seal_answer
from tests.integration.gateway.door import HttpDoor, Person
from tests.integration.gateway.streaming import stream
from tests.stores import NOW

ANSWER = Answered(
    text="Seventy degrees.",
    usage=Usage(10, 5),
    citations=(Citation(UUID(int=1), None, "tea.md", "Tea", 0.25),),
    tools_called=("http_request",),
    recalled=(),
    model="stub",
    worker_id="w",
    worker_ms=1,
    model_ms=1,
)


class Bus:
    """Keeps what is put on it, or refuses it."""

    def __init__(self) -> None:
        self.put: list[Envelope[MessageReceived]] = []
        self.full = False
        self.cancelled: list[Envelope[CancelAsked]] = []
        self.pieces: Pieces = asyncio.Queue(256)

    async def __call__(self, envelope: Envelope[MessageReceived]) -> None:
        if self.full:
            raise NotStored("full")
        self.put.append(envelope)

    async def cancel(self, event: Envelope[CancelAsked]) -> None:
        if self.full:
            raise NotStored("away")
        self.cancelled.append(event)

    @asynccontextmanager
    async def listen(self, _jid: BareJid) -> AsyncIterator[Pieces]:
        yield self.pieces


@pytest.fixture
def bus(door: HttpDoor, monkeypatch: pytest.MonkeyPatch) -> Bus:
    one = Bus()
    monkeypatch.setattr(door.inner, "resubmit", one)
    monkeypatch.setattr(following, "LOOK_S", 0.05)
    return one


@pytest.fixture
def app(door: HttpDoor, bus: Bus) -> App:
    async def ready() -> str:
        return ""

    front = Front(listen=bus.listen, cancel=bus.cancel, streams=Streams(per_account=2))
    return make_app(door.inner, ready, structlog.get_logger(), CollectorRegistry(), Path("no-pages"), front)


@pytest.fixture
async def ada(door: HttpDoor) -> Person:
    return await door.person()


async def conclude(door: HttpDoor, asked: Envelope[MessageReceived], outcome: Answered | str = ANSWER) -> None:
    """What the orchestrator writes."""
    owner = asked.tenant
    assert owner is not None
    ring = await tenants.load_ring(door.stores.pools["orchestrator"], door.stores.keys, owner)
    one = AskedEnd(
        correlation_id=asked.correlation_id,
        sender=asked.payload.sender,
        outcome="answered" if isinstance(outcome, Answered) else outcome,
        reason="" if isinstance(outcome, Answered) else "because",
        sealed=seal_answer(ring, owner, asked.correlation_id, outcome) if isinstance(outcome, Answered) else None,
        tokens_used=15,
        ended_at=NOW,
    )
    async with door.stores.pools["orchestrator"].acquire() as connection, connection.transaction():
        await end(connection, [one])


async def shared_agent(door: HttpDoor, owner: Person, guest: Person) -> str:
    fields = {"profile": {"name": "Ada"}, "visibility": Visibility.SHARED, "shared_with": [guest.account.jid]}
    made = await door.client.post("/v1/agents", json=fields, headers=owner.headers)
    assert made.status_code == 201, made.text
    agent: str = made.json()["agent_id"]
    return agent


async def test_a_message_is_admitted_with_all_that_a_stanza_has(door: HttpDoor, bus: Bus, ada: Person) -> None:
    agent = await door.agent(ada)
    answer = await door.client.post(f"/v1/agents/{agent}/messages", json={"text": "hello"}, headers=ada.headers)
    assert answer.status_code == 202
    turn = answer.json()
    assert answer.headers["location"] == f"/v1/turns/{turn['turn_id']}"
    assert (turn["state"], turn["answer"], turn["error"], turn["ended_at"]) == ("accepted", None, None, None)
    [asked] = bus.put
    message = asked.payload
    assert (asked.channel, asked.producer, asked.tenant) == (HTTP, "gateway", ada.account.owner)
    assert (message.sender, message.sender_full) == (ada.account.jid, ada.account.jid)
    assert (str(message.turn_id), str(message.agent_id), message.body) == (turn["turn_id"], agent, "hello")
    assert message.agent_jid == f"agent-{agent}@agents.localhost"
    assert 0 <= partition_of(message.sender, message.agent_id) < 32
    assert str(asked.correlation_id) == turn["correlation_id"]


async def test_the_answer_is_read_where_the_location_points(door: HttpDoor, bus: Bus, ada: Person) -> None:
    agent = await door.agent(ada)
    asked = await door.client.post(f"/v1/agents/{agent}/messages", json={"text": "tea?"}, headers=ada.headers)
    where = asked.headers["location"]
    assert (await door.client.get(where, headers=ada.headers)).json()["state"] == "accepted"
    await conclude(door, bus.put[0])
    read = (await door.client.get(where, headers=ada.headers)).json()
    assert read["state"] == "answered"
    assert read["answer"] == {
        "text": "Seventy degrees.",
        "model": "stub",
        "tools_called": ["http_request"],
        "sources": [{"title": "tea.md", "section": "Tea", "distance": 0.25}],
    }
    assert (read["error"], read["tokens_used"]) == (None, 15)
    async with door.stores.superuser() as connection:
        stored = await connection.fetchval("SELECT answer FROM asked_turns WHERE turn_id = $1", UUID(read["turn_id"]))
    assert b"Seventy" not in bytes(stored)


async def test_what_was_answered_is_in_the_export_of_who_asked(door: HttpDoor, bus: Bus, ada: Person) -> None:
    agent = await door.agent(ada)
    await door.client.post(f"/v1/agents/{agent}/messages", json={"text": "tea?"}, headers=ada.headers)
    await conclude(door, bus.put[0])
    pool, owner = door.stores.pools["gateway"], ada.account.owner
    ring = await tenants.load_ring(pool, door.stores.keys, owner)
    [row] = [one async for one in personal_data.rows_of(pool, ring, owner, "asked_turns")]
    assert isinstance(row, dict)
    assert "Seventy degrees." in str(row["answer"])


async def test_a_failure_has_its_code_and_may_still_become_an_answer(door: HttpDoor, bus: Bus, ada: Person) -> None:
    agent = await door.agent(ada)
    asked = await door.client.post(f"/v1/agents/{agent}/messages", json={"text": "hm"}, headers=ada.headers)
    await conclude(door, bus.put[0], "QUOTA_EXCEEDED")
    read = (await door.client.get(asked.headers["location"], headers=ada.headers)).json()
    assert (read["state"], read["error"]) == ("failed", {"code": "QUOTA_EXCEEDED", "detail": "because"})
    # a dead letter that its owner had tried again comes back under another turn, with the same correlation id
    await conclude(door, replace(bus.put[0], payload=replace(bus.put[0].payload, turn_id=TurnId(uuid4()))))
    await conclude(door, bus.put[0], "INTERNAL")
    read = (await door.client.get(asked.headers["location"], headers=ada.headers)).json()
    assert (read["state"], read["answer"]["text"]) == ("answered", "Seventy degrees.")
    await conclude(door, bus.put[0], replace(ANSWER, text="Sent, as you have allowed."))  # after an approval
    read = (await door.client.get(asked.headers["location"], headers=ada.headers)).json()
    assert read["answer"]["text"] == "Sent, as you have allowed."


async def test_nobody_else_reads_a_turn(door: HttpDoor, bus: Bus, ada: Person) -> None:
    eve = await door.person()
    agent = await shared_agent(door, ada, eve)
    asked = await door.client.post(f"/v1/agents/{agent}/messages", json={"text": "mine"}, headers=eve.headers)
    await conclude(door, bus.put[0])
    assert (await door.client.get(asked.headers["location"], headers=eve.headers)).status_code == 200
    foreign = await door.client.get(asked.headers["location"], headers=ada.headers)  # the agent's owner
    unknown = await door.client.get(f"/v1/turns/{uuid4()}", headers=ada.headers)
    assert (foreign.status_code, foreign.content) == (404, unknown.content)


async def test_a_stranger_is_told_what_an_unknown_agent_says_and_it_is_recorded(
    door: HttpDoor, bus: Bus, ada: Person
) -> None:
    eve, hidden = await door.person(), await door.agent(ada)
    answers = [
        await door.client.post(f"/v1/agents/{agent}/{what}", json={"text": "let me in"}, headers=eve.headers)
        if what == "messages"
        else await door.client.get(f"/v1/agents/{agent}/{what}", headers=eve.headers)
        for what in ("messages", "history")
        for agent in (hidden, uuid4())
    ]
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, answers[0].content)}
    assert bus.put == []
    async with door.stores.superuser() as connection:
        rows = await connection.fetch(
            "SELECT details ->> 'action' AS action, owner_user_id FROM audit_logs WHERE actor = $1"
            " AND details ->> 'decision' = 'deny' ORDER BY seq",
            eve.account.jid,
        )
    assert [row["action"] for row in rows] == ["agent.invoke"] * 2 + ["history.read"] * 2
    assert OwnerId(ada.account.owner) not in {row["owner_user_id"] for row in rows}


@pytest.mark.control
async def test_control_with_a_grant_the_same_stranger_is_let_in(door: HttpDoor, bus: Bus, ada: Person) -> None:
    eve = await door.person()
    agent = await shared_agent(door, ada, eve)
    answer = await door.client.post(f"/v1/agents/{agent}/messages", json={"text": "let me in"}, headers=eve.headers)
    assert answer.status_code == 202
    assert (bus.put[0].tenant, bus.put[0].payload.sender) == (eve.account.owner, eve.account.jid)


async def test_the_same_key_and_text_are_one_turn_and_another_text_is_refused(
    door: HttpDoor, bus: Bus, ada: Person
) -> None:
    where, headers = f"/v1/agents/{await door.agent(ada)}/messages", {**ada.headers, "Idempotency-Key": "1"}
    first, again = [await door.client.post(where, json={"text": "one"}, headers=headers) for _ in range(2)]
    assert (first.status_code, first.headers["location"]) == (202, again.headers["location"])
    assert len({asked.payload.turn_id for asked in bus.put}) == 1  # the bus and the inbox know it
    other = await door.client.post(where, json={"text": "two"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "KEY_REUSED")
    await conclude(door, bus.put[0])
    count = len(bus.put)
    done = await door.client.post(where, json={"text": "one"}, headers=headers)
    assert done.json()["answer"]["text"] == "Seventy degrees."
    assert len(bus.put) == count
    no_key = [await door.client.post(where, json={"text": "one"}, headers=ada.headers) for _ in range(2)]
    assert len({answer.headers["location"] for answer in no_key}) == 2


async def test_what_was_not_stored_leaves_nothing_and_may_be_sent_again(door: HttpDoor, bus: Bus, ada: Person) -> None:
    where, headers = f"/v1/agents/{await door.agent(ada)}/messages", {**ada.headers, "Idempotency-Key": "k"}
    bus.full = True
    refused = await door.client.post(where, json={"text": "one"}, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (503, "HUB_BUSY")
    async with door.stores.superuser() as connection:
        assert (
            await connection.fetchval("SELECT count(*) FROM asked_turns WHERE owner_user_id = $1", ada.account.owner)
            == 0
        )
    bus.full = False
    assert (await door.client.post(where, json={"text": "one"}, headers=headers)).status_code == 202


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("", 422, "BODY_EMPTY"),
        (" \n", 422, "BODY_EMPTY"),
        ("é" * 32_769, 413, "BODY_TOO_LARGE"),
        ("a\0", 422, "BODY_INVALID"),
    ],
)
async def test_a_text_that_cannot_be_answered_is_refused(
    door: HttpDoor, bus: Bus, ada: Person, text: str, status: int, code: str
) -> None:
    agent = await door.agent(ada)
    answer = await door.client.post(f"/v1/agents/{agent}/messages", json={"text": text}, headers=ada.headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert bus.put == []


async def test_the_stream_shows_pieces_a_restart_and_the_whole_answer(
    door: HttpDoor, bus: Bus, app: App, ada: Person
) -> None:
    agent = await door.agent(ada)
    async with stream(app, "POST", f"/v1/agents/{agent}/messages", ada.headers, {"text": "tea?"}) as reader:
        assert await reader.started() == 200
        assert reader.headers["content-type"].startswith("text/event-stream")
        assert reader.headers["ratelimit-limit"] == "20"
        state = await reader.next()
        assert state is not None
        turn = bus.put[0].payload.turn_id
        assert (state.name, state.data) == ("state", {"turn_id": str(turn), "state": "accepted"})
        for piece in (
            LiveDelta(turn, 5, 0, "", ended=False),
            LiveDelta(turn, 5, 0, "Sev", ended=False),
            LiveDelta(TurnId(uuid4()), 5, 3, "of another turn", ended=False),
            LiveDelta(turn, 9, 0, "", ended=False),
            LiveDelta(turn, 5, 3, "late", ended=False),
            LiveDelta(turn, 9, 0, "Seventy", ended=False),
        ):
            bus.pieces.put_nowait(piece)
        await asyncio.sleep(0)
        await conclude(door, bus.put[0])
        bus.pieces.put_nowait(LiveDelta(turn, 99, 0, "", ended=True))
        events = await reader.rest()
    assert [(one.name, one.data.get("state") or one.data.get("text")) for one in events[:-1]] == [
        ("state", "thinking"),
        ("delta", "Sev"),
        ("state", "restarted"),
        ("delta", "Seventy"),
    ]
    assert (events[-1].name, events[-1].data["answer"]["text"]) == ("answer", "Seventy degrees.")


async def test_the_answer_comes_even_when_every_piece_is_lost(door: HttpDoor, bus: Bus, app: App, ada: Person) -> None:
    agent = await door.agent(ada)
    async with stream(app, "POST", f"/v1/agents/{agent}/messages", ada.headers, {"text": "tea?"}) as reader:
        await reader.next()
        await conclude(door, bus.put[0], "TIMEOUT")
        [last] = await reader.rest()
    assert (last.name, last.data["error"]["code"]) == ("error", "TIMEOUT")
    async with stream(app, "GET", f"/v1/turns/{last.data['turn_id']}", ada.headers) as reader:
        assert [one.name for one in await reader.rest()] == ["state", "error"]


async def test_a_refused_stream_is_a_problem(door: HttpDoor, bus: Bus, app: App, ada: Person) -> None:
    async with stream(app, "POST", f"/v1/agents/{uuid4()}/messages", ada.headers, {"text": "x"}) as reader:
        assert await reader.started() == 404
        assert reader.headers["content-type"] == "application/problem+json"


async def test_streams_are_counted_and_given_back(door: HttpDoor, bus: Bus, app: App, ada: Person) -> None:
    where = f"/v1/agents/{await door.agent(ada)}/messages"
    for _ in range(2):
        async with (
            stream(app, "POST", where, ada.headers, {"text": "1"}) as one,
            stream(app, "POST", where, ada.headers, {"text": "2"}) as two,
        ):
            assert [await one.started(), await two.started()] == [200, 200]
            async with stream(app, "POST", where, ada.headers, {"text": "3"}) as three:
                assert await three.started() == 429
    assert len(bus.put) == 4


async def test_a_stream_ends_with_its_token(door: HttpDoor, bus: Bus, app: App, ada: Person) -> None:
    where = f"/v1/agents/{await door.agent(ada)}/messages"
    async with stream(app, "POST", where, ada.headers, {"text": "tea?"}) as reader:
        await reader.next()
        async with door.stores.superuser() as connection:
            await connection.execute("UPDATE users SET deactivated_at = now() WHERE id = $1", ada.account.owner)
        assert await reader.rest() == []


async def test_history_is_ones_own_page_by_page(door: HttpDoor, ada: Person) -> None:
    eve = await door.person()
    agent = await shared_agent(door, ada, eve)
    for number in range(5):
        await execution(door, ada, agent, eve, f"question {number}")
    await execution(door, ada, agent, ada, "the owner's own")
    seen: list[str] = []
    after: str | None = ""
    while after is not None:
        page = await door.client.get(
            f"/v1/agents/{agent}/history", params={"limit": 2, "after": after}, headers=eve.headers
        )
        assert page.status_code == 200, page.text
        seen += [one["said"] for one in page.json()["items"]]
        after = page.json()["next"]
    assert seen == [f"question {number}" for number in reversed(range(5))]
    own = (await door.client.get(f"/v1/agents/{agent}/history", headers=ada.headers)).json()["items"]
    assert [(one["said"], one["answered"]) for one in own] == [("the owner's own", "yes")]
    bad = await door.client.get(f"/v1/agents/{agent}/history", params={"after": "AAAA"}, headers=eve.headers)
    assert (bad.status_code, bad.json()["code"]) == (422, "BODY_INVALID")


async def execution(door: HttpDoor, owner: Person, agent: str, subject: Person, said: str) -> None:
    """A concluded turn, as the orchestrator stores it."""
    ring = await tenants.load_ring(door.stores.pools["orchestrator"], door.stores.keys, owner.account.owner)
    execution_id = uuid4()

    def sealed(text: str, column: str) -> bytes:
        return ring.seal(text.encode(), Place(owner.account.owner, "executions", column, execution_id))

    async with door.stores.superuser() as connection:
        await connection.execute(
            "INSERT INTO executions (id, owner_user_id, agent_id, subject_jid, input, output, outcome, tokens_used,"
            " tools_called, worker_id, duration_ms, platform_latency_ms, worker_latency_ms, scoring, correlation_id,"
            " created_at)"
            " VALUES ($1, $2, $3, $4, $5, $6, 'answered', 1, '[]', 'w', 1, 1, 1, '{}', $7, clock_timestamp())",
            execution_id,
            owner.account.owner,
            UUID(agent),
            subject.account.jid,
            sealed(said, "input"),
            sealed("yes", "output"),
            uuid4(),
        )
