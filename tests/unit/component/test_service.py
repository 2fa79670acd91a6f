"""What the door makes of announcements."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import cast
from uuid import uuid4

import pytest
import structlog
from nats.aio.msg import Msg

from aiox.kernel.envelope import KNOWN, Envelope, OutboxReady
from aiox.kernel.ids import TurnId
from aiox.runtime.clock import SystemClock
from aiox.runtime.crowding import Crowding
from aiox.wire.codec import encode
from component.outbox import Outbox
from component.service import _Announcements
from component.talk import Talk
from component.watchers import Watchers
from tests.integration.component.door import enveloped, ready_for
from tests.unit.component.fakes import FakeLink, no_picture, nobody, opened
from tests.unit.orchestrator.messages import received


@dataclass
class Replies:
    taken: list[Envelope[OutboxReady]] = field(default_factory=list)

    def take(self, envelope: Envelope[OutboxReady]) -> None:
        self.taken.append(envelope)


@dataclass
class Heard:
    data: bytes
    subject: str = "aiox.out"


async def hear(kind: str, talk: Talk, link: FakeLink, replies: Replies, turn: TurnId) -> None:
    ready = replace(ready_for(received().payload, "text"), kind=kind, turn_id=turn)
    log, clock = structlog.get_logger(), SystemClock()
    watchers = Watchers(nobody, no_picture, link.send, clock, log)
    announcements = _Announcements(cast(Outbox, replies), talk, Crowding(), watchers, link.send, clock, log)
    await announcements.take(cast(Msg, Heard(encode(enveloped(ready)))))


@pytest.mark.parametrize("shown", [True, False])
async def test_composing_ends_for_a_message_that_had_its_answer_before(shown: bool) -> None:
    talk, link, replies, turn = Talk(SystemClock()), FakeLink(), Replies(), TurnId(uuid4())
    if shown:
        opened(talk, turn)
    for _ in range(2):
        await hear(KNOWN, talk, link, replies, turn)
    assert ["<paused " in text for text in link.sent] == [True] * shown
    assert replies.taken == []


async def test_a_row_is_left_to_the_outbox() -> None:
    talk, link, replies, turn = Talk(SystemClock()), FakeLink(), Replies(), TurnId(uuid4())
    opened(talk, turn)
    await hear("answer", talk, link, replies, turn)
    assert (len(replies.taken), link.sent) == (1, [])
    assert talk.tick() == []
    assert len(talk.stop()) == 1, "the outbox ends it with the answer"
