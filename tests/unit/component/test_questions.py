"""Answers of other hubs' agents: taken when they were asked for, and never a message to the agent."""

from __future__ import annotations

import asyncio
from uuid import UUID
from xml.etree.ElementTree import Element

import pytest
import structlog

from aiox.kernel.envelope import ANSWERED, Envelope, MessageReceived
from aiox.kernel.errors import ErrorCode
from aiox.kernel.question import Question
from aiox.runtime.clock import SystemClock
from aiox.wire.codec import decode
from component import questions
from component.errors import error_reply
from component.features.questions import add_answer, add_question
from component.questions import Questions
from component.stanza_xml import COMPONENT, add, stanza

ASKER, OTHER, EVE = "one@agents.a.example", "two@agents.b.example", "eve@agents.b.example"
QUESTION = Question(UUID(int=1), UUID(int=2), (UUID(int=3),), 30_000)


class Link:
    """The outbox's way out."""

    up = True
    session = 1

    def __init__(self) -> None:
        self.sent: list[Element] = []

    def send(self, element: Element) -> bool:
        self.sent.append(element)
        return True

    async def confirm(self, _timeout_s: float, *, entries: bool = False) -> int:
        return 1


class World:
    """What the hub is told."""

    def __init__(self) -> None:
        self.link = Link()
        self.told: asyncio.Queue[Envelope[MessageReceived]] = asyncio.Queue()
        self.questions = Questions(self.link, self.publish, SystemClock(), structlog.get_logger())

    async def publish(self, data: bytes) -> None:
        event = decode(data)
        assert isinstance(event.payload, MessageReceived)
        self.told.put_nowait(event)  # type: ignore[arg-type]

    def ask(self) -> Element:
        asked = stanza("message", ASKER, OTHER, "chat", QUESTION.stanza_id)
        add_question(asked, QUESTION)
        self.questions.send(asked)
        return asked

    async def heard(self) -> Envelope[MessageReceived]:
        work = asyncio.create_task(self.questions.work())
        try:
            async with asyncio.timeout(60):
                return await self.told.get()
        finally:
            work.cancel()


def answer(sender: str = OTHER, text: str = "At nine.") -> Element:
    found = stanza("message", f"{sender}/aiox", ASKER, "chat", "x")
    add(found, COMPONENT, "body", text)
    add_answer(found, QUESTION)
    return found


async def test_an_answer_that_was_asked_for_is_handed_on_once() -> None:
    world = World()
    world.ask()
    assert world.questions.expects(answer())
    event = await world.heard()
    told = event.payload
    assert (event.type, told.body, told.sender, told.message_id) == (ANSWERED, "At nine.", OTHER, QUESTION.stanza_id)
    assert not world.questions.expects(answer()), "the second is an answer to nothing"


async def test_another_address_does_not_answer_for_it() -> None:
    world = World()
    world.ask()
    assert not world.questions.expects(answer(EVE))
    assert world.questions.expects(answer())


@pytest.mark.control
async def test_control_by_the_id_alone_it_would(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "bare", lambda _jid: "")
    world = World()
    world.ask()
    assert world.questions.expects(answer(EVE))


async def test_a_refusal_is_an_answer_too() -> None:
    world = World()
    asked = world.ask()
    assert world.questions.expects(error_reply(asked, ErrorCode.ACCESS_DENIED))
    told = (await world.heard()).payload
    assert told.stanza_type == "error"
    assert told.body


async def test_answers_to_what_another_process_asked_go_on_and_begin_no_turn() -> None:
    world = World()
    assert not world.questions.expects(answer())
    assert world.questions.takes(answer())
    assert (await world.heard()).payload.body == "At nine."


async def test_other_messages_and_errors_are_left_alone() -> None:
    world = World()
    plain = stanza("message", OTHER, ASKER, "chat", "m")
    add(plain, COMPONENT, "body", "hello")
    unasked = stanza("message", OTHER, ASKER, "error", QUESTION.stanza_id)
    for one in (plain, unasked, stanza("iq", OTHER, ASKER, "result", "i")):
        assert not world.questions.expects(one)
        assert not world.questions.takes(one)


async def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "OPEN", 0)
    world = World()
    world.ask()
    assert not world.questions.expects(answer())
    assert len(world.link.sent) == 1
