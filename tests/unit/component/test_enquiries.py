"""Requests for descriptors are answered one and all: found, refused, or told to wait."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from aiox.kernel.acd import Descriptor
from aiox.kernel.ids import AgentId
from aiox.kernel.jid import BareJid
from component.descriptors import REQUEST_BURST, WAITING, Descriptors
from component.features.acd import ACD
from tests.unit.component.fakes import FakeLink, HandClock, settle
from tests.unit.component.stanzas import AGENT, parse


def request(number: int, sender: str = "alice@hub.test/phone") -> str:
    return f'<iq from="{sender}" to="{AGENT}" type="get" id="a{number}"><acd xmlns="{ACD}"/></iq>'


async def nothing(_agent: AgentId, _asker: BareJid) -> Descriptor | None:
    return None


async def broken(_agent: AgentId, _asker: BareJid) -> Descriptor | None:
    raise OSError("the registry is away")


async def worked(descriptors: Descriptors) -> None:
    task = asyncio.ensure_future(descriptors.work())
    await settle()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_store_that_is_away_shows_nothing_and_is_said() -> None:
    link = FakeLink()
    descriptors = Descriptors(broken, link.send, HandClock(), structlog.get_logger())
    descriptors.receive(parse(request(1)))
    await worked(descriptors)
    assert "internal-server-error" in link.sent[0]


async def test_who_asks_too_often_is_told_to_wait_and_others_are_answered() -> None:
    link = FakeLink()
    descriptors = Descriptors(nothing, link.send, HandClock(), structlog.get_logger())
    for number in range(REQUEST_BURST + 1):
        descriptors.receive(parse(request(number)))
    assert len(link.sent) == 1
    assert "resource-constraint" in link.sent[0]
    descriptors.receive(parse(request(0, "bob@hub.test/x")))
    await worked(descriptors)
    assert sum("item-not-found" in sent for sent in link.sent) >= 40


async def test_what_waits_is_bounded() -> None:
    link = FakeLink()
    descriptors = Descriptors(nothing, link.send, HandClock(), structlog.get_logger())
    for number in range(WAITING + 5):
        descriptors.receive(parse(request(number, f"u{number}@hub.test/x")))
    assert len(link.sent) == 5
