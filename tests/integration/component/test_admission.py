"""Admission while the bus is full, down or dying: a receipt or an error that may be retried, never silence."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from time import monotonic
from uuid import uuid4
from xml.etree.ElementTree import Element

import pytest

from aiox.cli.chat.client import RECEIPTS
from aiox.kernel.errors import ErrorCode
from tests.e2e.people import Person, shape
from tests.integration.component.rig import Rig, agent, rig

ROOMY = {"AIOX_LIMITS__MESSAGES_PER_MINUTE": "60000", "AIOX_LIMITS__MESSAGE_BURST": "1000"}
ANSWERED_S = 60.0
"""Long beyond the 5 s for storing."""
BACK_S = 2.0


@pytest.fixture(scope="module")
async def it() -> AsyncIterator[Rig]:
    async with rig(("carol",)) as running:
        yield running


def say(person: Person, body: str, message_id: str = "") -> str:
    return person.say(agent(0), body, message_id, (Element(f"{{{RECEIPTS}}}request"),))


async def outcome(person: Person, message_id: str, since: int = 0) -> str:
    """`receipt`, or the error's type and code: what came for this id after the first `since` stanzas."""

    def of_it(got: Element) -> str:
        received = got.find(f"{{{RECEIPTS}}}received")
        if received is not None and received.get("id") == message_id:
            return "receipt"
        if got.get("type") == "error" and got.get("id") == message_id:
            error = next(one for one in got if one.tag.endswith("}error"))
            return f"{error.get('type')} {next(code for code in ErrorCode if f'code={code.value!r}' in _codes(got))}"
        return ""

    found = await person.until(lambda got: got in person.got[since:] and bool(of_it(got)), ANSWERED_S)
    return of_it(found)


def _codes(got: Element) -> str:
    return shape(got, hide=()).replace('"', "'")


BUSY = f"wait {ErrorCode.HUB_BUSY}"


async def test_full_bus_refuses_what_does_not_fit_and_takes_it_later(it: Rig) -> None:
    async with it.component(**ROOMY, AIOX_LIMITS__INBOUND_BYTES=str(1 << 20)), it.online("carol") as carol:
        bodies = {str(uuid4()): f"{number} " + "x" * 60_000 for number in range(24)}
        for message_id, body in bodies.items():
            say(carol, body, message_id)
        outcomes = {message_id: await outcome(carol, message_id) for message_id in bodies}
        refused = [message_id for message_id, one in outcomes.items() if one == BUSY]
        assert set(outcomes.values()) == {"receipt", BUSY}
        assert sorted(await it.stored()) == sorted(bodies[one] for one in bodies if one not in refused)
        await it.drain()
        since = len(carol.got)
        for message_id in refused:
            say(carol, bodies[message_id], message_id)
        assert {await outcome(carol, message_id, since) for message_id in refused} == {"receipt"}
        assert sorted(await it.stored()) == sorted(bodies[one] for one in refused)
        await it.drain()


async def taken(person: Person, body: str, message_id: str) -> None:
    """Says it again until the bus is back, as a client would."""
    answer = BUSY
    while answer == BUSY:
        await asyncio.sleep(0.1)
        since = len(person.got)
        say(person, body, message_id)
        answer = await outcome(person, message_id, since)
    assert answer == "receipt"


@pytest.mark.parametrize("within_s", [ANSWERED_S, pytest.param(BACK_S, marks=pytest.mark.prove)])
async def test_bus_that_is_down_then_back_needs_no_restart_of_ours(it: Rig, within_s: float) -> None:
    async with it.component(**ROOMY) as process, it.online("carol") as carol:
        await it.kill("nats")
        message_id = say(carol, body := f"down {uuid4()}")
        assert await outcome(carol, message_id) == BUSY
        await it.start("nats")
        back_at = monotonic()
        await taken(carol, body, message_id)
        assert monotonic() - back_at < within_s
        assert (await it.stored()).count(body) == 1
        assert process.returncode is None


async def test_bus_that_dies_while_it_stores(it: Rig) -> None:
    async with it.component(**ROOMY), it.online("carol") as carol:
        os.kill(it.parts["nats"].pid, signal.SIGSTOP)
        message_id = say(carol, body := f"dying {uuid4()}")
        await asyncio.sleep(0.3)  # it is written to the socket of a bus that does not read
        await it.kill("nats")
        assert await outcome(carol, message_id) == BUSY
        await it.start("nats")
        await taken(carol, body, message_id)
        assert (await it.stored()).count(body) == 1


async def test_same_id_twice_is_stored_once_and_receipted_twice(it: Rig) -> None:
    async with it.component(**ROOMY), it.online("carol") as carol:
        message_id = say(carol, body := f"twice {uuid4()}")
        assert await outcome(carol, message_id) == "receipt"
        since = len(carol.got)
        say(carol, body, message_id)
        assert await outcome(carol, message_id, since) == "receipt"
        assert (await it.stored()).count(body) == 1


async def test_message_without_an_id_is_stored_once_and_not_receipted(it: Rig) -> None:
    async with it.component(**ROOMY), it.online("carol") as carol:
        assert carol.stream is not None
        body = f"nameless {uuid4()}"
        request = f"<request xmlns='{RECEIPTS}'/>"
        carol.stream._xmpp.send_raw(f"<message to='{agent(0)}' type='chat'><body>{body}</body>{request}</message>")
        last = say(carol, "behind it")
        assert await outcome(carol, last) == "receipt"
        assert (await it.stored()).count(body) == 1
        receipts = [got for got in carol.got if got.find(f"{{{RECEIPTS}}}received") is not None]
        assert len(receipts) == 1


async def test_admission_does_not_need_the_database(it: Rig) -> None:
    async with it.component(**ROOMY), it.online("carol") as carol:
        await it.kill("postgres")
        try:
            # The server of a real hub stores what its users send, so only what comes in at the door is asked for here.
            message_id = say(carol, body := f"no database {uuid4()}")
        finally:
            await it.start("postgres")
        assert await outcome(carol, message_id) == "receipt"
        assert (await it.stored()).count(body) == 1
