"""Whether a hub believes a server that is not who it says, by what it shows for it."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager

import httpx

from tests.e2e.impostor import Identity, Impostor, impostor
from tests.e2e.neighbours import Neighbours
from tests.stack import RunningHub


async def stanzas_from_elsewhere(hub: RunningHub, peer: str = "") -> float:
    """What the hub's component has seen of other servers, or of one entry in its list, or of a `stranger`."""
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"http://127.0.0.1:{hub.settings.ports.component_health}/metrics")).text
    lines = [line for line in text.splitlines() if line.startswith("aiox_peer_stanzas_total{")]
    lines = [line for line in lines if not peer or f'peer="{peer}"' in line]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


async def until_seen(hub: RunningHub, peer: str, count: float) -> None:
    """Waits until the component has seen so many stanzas of a peer; errors that our own server makes for it count."""
    async with asyncio.timeout(120):
        while await stanzas_from_elsewhere(hub, peer) < count:
            await asyncio.sleep(0.1)


def meet(hubs: Neighbours, me: str) -> AbstractAsyncContextManager[Impostor]:
    """A server in the name of `me` at the first hub's door."""
    wanted = hubs.a.settings.federation
    return impostor(wanted.address, wanted.port, me, hubs.a.settings.domain)


async def by_certificate(hubs: Neighbours, me: str, identity: Identity | None) -> bool:
    """Whether a server with this certificate is taken for `me`."""
    async with meet(hubs, me) as server:
        await server.greet()
        await server.encrypt(identity)
        return await server.external()


async def by_dialback(hubs: Neighbours, me: str, *, encrypted: bool) -> bool:
    """Whether a server is taken for `me` because a name server, or nobody, says so."""
    async with meet(hubs, me) as server:
        await server.greet()
        if encrypted:
            await server.encrypt(None)
        return await server.dialback("37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643")


async def by_plain_words(hubs: Neighbours, me: str) -> bool:
    """Whether a message without any proof gets through."""
    async with meet(hubs, me) as server:
        await server.greet()
        before = await stanzas_from_elsewhere(hubs.a)
        await server.message(f"bob@{me}", hubs.a.settings.agents_domain)
        return await stanzas_from_elsewhere(hubs.a) != before
