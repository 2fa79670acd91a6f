"""Whose counters are away waits for them a moment; who has waited for an answer already does not wait again."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast
from uuid import uuid4

import pytest

from aiox.kernel.ids import AgentId, OwnerId, TurnId
from orchestrator.ports import Ports
from orchestrator.steps import reserve as step
from registry.quotas import Conversation, QuotaForgotten, QuotaSilent, QuotaUnavailable, Request


class Counters:
    """Fails each time, and counts how often it was asked and waited for."""

    def __init__(self, error: QuotaUnavailable) -> None:
        self.error = error
        self.asked = 0
        self.waited = 0

    async def reserve(self, _conversation: Conversation, _request: Request) -> None:
        self.asked += 1
        raise self.error

    async def whole(self) -> bool:
        self.waited += 1
        return True


@pytest.mark.parametrize(
    ("error", "asked", "waited"),
    [(QuotaSilent("no answer"), 1, 0), (QuotaForgotten("not rebuilt"), 2, 1), (QuotaUnavailable("refused"), 2, 1)],
)
async def test_who_waited_for_an_answer_is_refused_at_once(error: QuotaUnavailable, asked: int, waited: int) -> None:
    counters = Counters(error)
    ports = cast(Ports, SimpleNamespace(quotas=counters, counters=counters))
    conversation = Conversation(OwnerId(uuid4()), AgentId(uuid4()), "ada@localhost", 0)
    request = Request(TurnId(uuid4()), 1, 1, (), (), 0, 1)
    with pytest.raises(type(error)):
        await step._patiently(ports, conversation, request)
    assert (counters.asked, counters.waited) == (asked, waited)
