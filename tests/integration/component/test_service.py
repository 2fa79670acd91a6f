"""The door on a real XMPP server and a real bus, seen by the terminal client."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from aiox.cli.chat.client import ChatClient, Sign
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import TurnId
from tests.integration.component.door import Door, ready_for
from tests.integration.component.servers import AGENTS, DOMAIN, Ejabberd, Nats, until

SOON_S = 60.0
AGENT = f"agent-11111111-1111-4111-8111-111111111111@{AGENTS}"


@pytest.fixture
async def alice(xmpp_server: Ejabberd, door: Door) -> AsyncIterator[ChatClient]:
    assert door.link.up
    async with _client(xmpp_server) as client:
        yield client


def _client(server: Ejabberd) -> ChatClient:
    return ChatClient(f"alice@{DOMAIN}", "alice-password", "127.0.0.1", server.client_port, server.ca_file)


async def test_question_is_receipted_shown_as_typing_and_answered(door: Door, alice: ChatClient) -> None:
    signs: list[Sign] = []
    exchange = await alice.ask(AGENT, "hello", SOON_S, signs.append)
    assert (exchange.text, exchange.error_code) == ("You said: hello", "")
    assert exchange.receipt_ms is not None
    assert "composing" in signs
    assert door.seen[0].sender == f"alice@{DOMAIN}"
    assert door.seen[0].message_id == exchange.question_id
    await until(lambda: not door.table.rows and door.table.marked)


async def test_error_row_comes_as_an_error_with_the_code(door: Door, alice: ChatClient) -> None:
    door.answer = lambda question: ready_for(question, error_code="ACCESS_DENIED")
    signs: list[Sign] = []
    exchange = await alice.ask(f"nobody@{AGENTS}", "hello", SOON_S, signs.append)
    assert exchange.error_code == ErrorCode.ACCESS_DENIED
    assert exchange.text == "There is no agent here that you may talk to."


async def test_illegal_characters_of_a_model_do_not_break_the_stream(door: Door, alice: ChatClient) -> None:
    door.answer = lambda question: ready_for(question, "a\x00b\x1bc\ud800d<&>\"'\n")
    assert (await alice.ask(AGENT, "hello", SOON_S)).text == "a\ufffdb\ufffdc\ufffdd<&>\"'\n"
    door.answer = lambda question: ready_for(question, "still here")
    assert (await alice.ask(AGENT, "hello", SOON_S)).text == "still here"


@pytest.mark.parametrize(
    ("body", "code"), [(" \n", ErrorCode.BODY_EMPTY), ("é" * 32_769, ErrorCode.BODY_TOO_LARGE)], ids=["empty", "large"]
)
async def test_bad_body_is_refused_at_the_door(door: Door, alice: ChatClient, body: str, code: ErrorCode) -> None:
    exchange = await alice.ask(AGENT, body, SOON_S)
    assert (exchange.error_code, exchange.receipt_ms) == (code, None)
    assert not door.seen


async def test_component_itself_answers_politely(door: Door, alice: ChatClient) -> None:
    assert (await alice.ask(AGENTS, "hello", SOON_S)).error_code == ErrorCode.ACCESS_DENIED
    assert not door.seen


async def test_conversation_keeps_its_order(door: Door, alice: ChatClient) -> None:
    await asyncio.gather(*(alice.ask(AGENT, str(number), SOON_S) for number in range(100)))
    assert [question.body for question in door.seen] == [str(number) for number in range(100)]


async def test_bus_away_means_busy_and_no_receipt_then_it_comes_back(
    door: Door, alice: ChatClient, bus_server: Nats
) -> None:
    bus_server.stop()
    exchange = await alice.ask(AGENT, "hello", SOON_S)
    assert (exchange.error_code, exchange.receipt_ms) == (ErrorCode.HUB_BUSY, None)
    bus_server.start()
    await until(lambda: door.client.is_connected)
    assert (await alice.ask(AGENT, "again", SOON_S)).text == "You said: again"


async def test_row_that_nobody_announced_is_found_by_the_sweep(door: Door, alice: ChatClient) -> None:
    def silent(question: object) -> None:
        door.table.put(ready_for(door.seen[-1], "found"))

    door.answer = silent
    assert (await alice.ask(AGENT, "hello", SOON_S)).text == "found"
    await until(lambda: not door.table.rows)


async def test_trace_names_the_door_steps(door: Door, alice: ChatClient, tmp_path: Path) -> None:
    await alice.ask(AGENT, "hello", SOON_S)
    spans = tmp_path / "traces" / "component.jsonl"
    await until(lambda: spans.exists() and all(f'"0{n} ' in spans.read_text() for n in (1, 2, 3)))


async def test_door_comes_back_after_the_server_and_sends_what_waited(
    door: Door, xmpp_server: Ejabberd, alice: ChatClient
) -> None:
    await alice.ask(AGENT, "before", SOON_S)
    question = door.seen[-1]
    xmpp_server.stop()
    await until(lambda: not door.link.up)
    late = ready_for(replace(question, turn_id=TurnId(uuid4())), "while you were away")
    door.outbox.take(door.table.put(late))
    assert door.table.rows, "a row that could not be sent stays in the table"
    xmpp_server.start()
    await until(lambda: door.link.up)
    await until(lambda: late.outbox_id in door.table.marked)
    async with _client(xmpp_server) as again:
        assert (await again.ask(AGENT, "after", SOON_S)).text == "You said: after"
