"""Another agent's answer is handed on; its tokens leave the turn that asked with so much less."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from ai_worker.tools.act import Hands
from ai_worker.tools.kit.ask_agent import DESCRIPTION, AskAgent
from ai_worker.tools.port import AgentAnswer, Allowed, Ended, Given, ToolFailed
from ai_worker.translate import allowance
from ai_worker.words import ToolCall, ToolOffer
from aiox.kernel.tools import known_tools
from aiox.runtime.clock import SystemClock
from aiox.wire.v1 import worker_pb2 as pb
from tests.unit.ai_worker.tools.means import MEANS

ARGUMENTS = {"to": "bob@agents.localhost", "message": "When is high tide?"}
OFFER = ToolOffer(DESCRIPTION.name, DESCRIPTION.description, DESCRIPTION.schema, read_only=False)


class Hub:
    """Says what the other agent answered."""

    def __init__(self, answer: AgentAnswer) -> None:
        self.answer = answer
        self.asked: list[bytes] = []

    async def ask(self, _index: int, _tool: str, arguments: bytes, _taint: Sequence[str]) -> Allowed:
        self.asked.append(arguments)
        return Allowed(Given(agent=self.answer))

    def held(self, index: int, _transcript: bytes) -> None:
        raise AssertionError(index)

    def told(self, _index: int, _ended: Ended) -> None:
        """How it ended is no matter here."""


async def test_the_answer_is_shown_and_its_tokens_are_counted() -> None:
    hub = Hub(AgentAnswer("At nine.", tokens=41))
    hands = Hands({OFFER.name: OFFER}, {OFFER.name: AskAgent(MEANS)}, hub, SystemClock(), lambda *_: None, "")
    shown = json.loads(await hands.act(ToolCall("c", OFFER.name, json.dumps(ARGUMENTS))))
    assert (shown["status"], shown["untrusted_result"], hands.paid) == ("done", "At nine.", 41)


@pytest.mark.parametrize("to", ["", "bob", "bob@", "@agents.localhost", "bob@agents.localhost/x", "a b@c", "a@b@c"])
async def test_what_is_no_bare_address_never_reaches_the_hub(to: str) -> None:
    hub = Hub(AgentAnswer("no"))
    hands = Hands({OFFER.name: OFFER}, {OFFER.name: AskAgent(MEANS)}, hub, SystemClock(), lambda *_: None, "")
    shown = json.loads(await hands.act(ToolCall("c", OFFER.name, json.dumps({**ARGUMENTS, "to": to}))))
    assert (shown["status"], hub.asked) == ("invalid", [])


async def test_a_reason_is_no_answer() -> None:
    with pytest.raises(ToolFailed, match="too far"):
        await AskAgent(MEANS).run(ARGUMENTS, Given(agent=AgentAnswer("", "too far")))
    with pytest.raises(ToolFailed, match="no answer"):
        await AskAgent(MEANS).run(ARGUMENTS, Given())


def test_it_comes_over_the_wire() -> None:
    answer = pb.AgentAnswer(text="At nine.", error_text="", tokens=7)
    allowed = allowance(pb.ToolAllowed(terms=pb.ToolTerms(timeout_ms=1), agent=answer))
    assert isinstance(allowed, Allowed)
    assert allowed.given.agent == AgentAnswer("At nine.", "", 7)
    plain = allowance(pb.ToolAllowed(terms=pb.ToolTerms(timeout_ms=1)))
    assert isinstance(plain, Allowed)
    assert plain.given.agent is None


def test_all_that_another_agent_says_is_doubtful_private_and_goes_out() -> None:
    known = known_tools("")["ask_agent"]
    assert (known.untrusted, known.private, known.outward, known.read_only) == (True, True, True, False)
