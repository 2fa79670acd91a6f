"""The first hub has been introduced to others: the second hub, and servers that tests play themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from xml.etree.ElementTree import Element, tostring

from aiox.cli import peers as shell
from aiox.cli import quotas
from aiox.cli.peers import Given
from aiox.runtime.clock import SystemClock
from component.features.hubs import HUB, document_in
from component.hubs import HubKeys
from policy.hub_documents import HubDocument, signed
from tests.e2e.fake_hub import FakeHub, fake_hub
from tests.e2e.flood import PEER
from tests.e2e.neighbours import SEES, Neighbours, pushed

THIEF, HONEST = "d.test", "e.test"
ALL = Given(True, True, True, 10_000_000, 10_000_000, None, False, "")


@dataclass(frozen=True)
class Acquainted:
    """`fake` plays THIEF, which says what it has heard of the second hub, and HONEST, which speaks for itself."""

    hubs: Neighbours
    fake: FakeHub


@asynccontextmanager
async def acquainted(hubs: Neighbours) -> AsyncIterator[Acquainted]:
    """The first hub lets the second in to do all, PEER to invoke and not to spend, and THIEF and HONEST to see."""
    async with AsyncExitStack() as stack:
        fake = await stack.enter_async_context(fake_hub(hubs, THIEF, HONEST))
        await quotas.put(hubs.a.settings, "peer", "default", {"max_concurrent_requests": 200})
        async with pushed(hubs.a), pushed(hubs.b):
            await shell.add(hubs.b.settings, THIEF, SEES)
            for name, given in {hubs.b.settings.domain: ALL, PEER: SEES, THIEF: SEES, HONEST: SEES}.items():
                await shell.add(hubs.a.settings, name, given)
        stolen = await _document_of(hubs, fake)
        await fake.answer_with(_answers(stolen))
        yield Acquainted(hubs, fake)


async def _document_of(hubs: Neighbours, fake: FakeHub) -> str:
    """The second hub's document, as it gives it to whoever may see: signed by its key. Until it knows that we may."""
    me, to = f"agents.{THIEF}", hubs.b.settings.agents_domain
    async with asyncio.timeout(60):
        while True:
            await fake.say(me, to, f"<iq from='{me}' to='{to}' type='get' id='steal'><hub xmlns='{HUB}'/></iq>")
            await asyncio.sleep(0.3)
            if note := next((note for got in fake.got if got.get("id") == "steal" and (note := document_in(got))), ""):
                return note


def _answers(stolen: str) -> Callable[[Element], str]:
    """Asked for its document, THIEF shows the one of another, and HONEST its own."""
    keys = HubKeys(HONEST, {1: bytes(range(32))})
    own = HubDocument(
        HONEST,
        round(SystemClock().now().timestamp() * 1000),
        tuple(one.verifier for one in keys.signers),
        tuple(one.verifier for one in keys.witnesses),
        (),
    )
    notes = {f"agents.{THIEF}": stolen, f"agents.{HONEST}": signed(own, keys.signers)}

    def answer(query: Element) -> str:
        asks = query.get("type") == "get" and query.find(f"{{{HUB}}}hub") is not None
        me, them = query.get("to", ""), query.get("from", "")
        if not asks or me not in notes:
            return ""
        reply = Element("iq", {"from": me, "to": them, "type": "result", "id": query.get("id", "")})
        hub = Element("hub", {"xmlns": HUB})
        note = Element("note")
        note.text = notes[me]
        hub.append(note)
        reply.append(hub)
        return tostring(reply, encoding="unicode")

    return answer
