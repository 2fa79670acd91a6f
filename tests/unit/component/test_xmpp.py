"""The link against a server of a few lines that sends whatever a test wants."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from xml.etree.ElementTree import Element

import pytest
import structlog

from aiox.runtime.xmpp_hosts import XmppHosts
from component import xmpp as module
from component.link import LinkLost
from component.stanza_xml import COMPONENT, add, stanza
from component.xmpp import XmppLink
from tests.unit.component.stanzas import AGENT, ALICE

AGENTS, SERVER = "agents.hub.test", "hub.test"


@dataclass
class Peer:
    """The server's side of component links, one after the other."""

    secret: str = "sesam"
    got: str = ""
    writer: asyncio.StreamWriter | None = None
    links: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b">")
        writer.write(
            f"<stream:stream id='77' from='{AGENTS}' xmlns='{COMPONENT}'"
            " xmlns:stream='http://etherx.jabber.org/streams'>".encode()
        )
        handshake = (await reader.readuntil(b"</handshake>")).decode()
        if hashlib.sha1(f"77{self.secret}".encode()).hexdigest() in handshake:  # noqa: S324 -- XEP-0114 says so
            writer.write(b"<handshake/>")
            self.writer, self.got = writer, ""
            self.links += 1
            while "</stream:stream>" not in self.got and (data := await reader.read(65536)):
                self.got += data.decode()
                self.changed.set()
        writer.close()

    def say(self, text: str) -> None:
        assert self.writer is not None
        self.writer.write(text.encode())

    async def hears(self, part: str) -> str:
        async with asyncio.timeout(60):
            while part not in self.got:
                self.changed.clear()
                await self.changed.wait()
        return self.got


@dataclass
class Linked:
    link: XmppLink
    peer: Peer
    seen: list[Element]


async def until_up(link: XmppLink) -> None:
    async with asyncio.timeout(60):
        while not link.up:
            await asyncio.sleep(0.01)


@asynccontextmanager
async def linked(peer: Peer | None = None, *, up: bool = True, hosts: str = "127.0.0.1") -> AsyncIterator[Linked]:
    peer = peer or Peer()
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    link = XmppLink(XmppHosts(hosts), port, AGENTS, SERVER, "sesam", structlog.get_logger(), sessions=count(1))
    link.open()
    seen: list[Element] = []
    link.on_stanza(seen.append)
    running = asyncio.create_task(link.run())
    try:
        if up:
            await until_up(link)
        yield Linked(link, peer, seen)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await link.close()
        server.close()
        await server.wait_closed()


def outgoing(body: str) -> Element:
    made = stanza("message", AGENT, ALICE, "chat")
    add(made, COMPONENT, "body", body)
    return made


async def alive(it: Linked) -> bool:
    """Whether a stanza still comes through in both directions."""
    it.peer.say(f'<message from="{ALICE}" to="{AGENT}"><body>mark</body></message>')
    async with asyncio.timeout(60):
        while not any(element.findtext(f"{{{COMPONENT}}}body") == "mark" for element in it.seen):
            await asyncio.sleep(0.01)
    return it.link.send(outgoing("still here")) and "still here" in await it.peer.hears("still here")


async def test_addresses_arrive_normalised() -> None:
    async with linked() as it:
        it.peer.say('<message from="Alice@HUB.test/Phone" to="AGENT-1@Agents.hub.test"><body>mark</body></message>')
        assert await alive(it)
        assert (it.seen[0].get("from"), it.seen[0].get("to")) == ("alice@hub.test/Phone", "agent-1@agents.hub.test")


@pytest.mark.parametrize(
    "text",
    [
        "<message/>",
        '<message from="@@@" to="x y@z"/>',
        f'<message from="{ALICE}" type="{"x" * 100_000}"/>',
        "<iq/>",
        '<iq type="get"/>',
        '<presence from="///" type="probe"/>',
        '<unknown xmlns="urn:x"><a/></unknown>',
        "<message>" + "<a>" * 500 + "</a>" * 500 + "</message>",
        f'<message from="{ALICE}" to="{AGENT}"><body>{"x" * 1_000_000}</body></message>',
        '<stream:error xmlns:stream="http://etherx.jabber.org/streams"/>',
    ],
    ids=["bare", "bad jids", "long type", "iq", "iq get", "presence", "unknown", "deep", "huge", "stream error"],
)
async def test_strange_stanzas_do_not_stop_the_link(text: str) -> None:
    async with linked() as it:
        it.peer.say(text)
        assert await alive(it)
        assert it.peer.links == 1


async def test_broken_xml_ends_the_stream_and_a_new_one_is_made() -> None:
    async with linked() as it:
        it.peer.say("<message><</message>")
        async with asyncio.timeout(60):
            while it.peer.links < 2:
                await asyncio.sleep(0.01)
        await until_up(it.link)
        assert await alive(it)
        assert it.link.session == 2


async def test_failure_over_a_stanza_becomes_an_error_for_its_sender() -> None:
    def fails(_: Element) -> None:
        raise RuntimeError("a bug")

    async with linked() as it:
        it.link.on_stanza(fails)
        it.peer.say(f'<message from="{ALICE}" to="{AGENT}" id="q1"><body>hi</body></message>')
        heard = await it.peer.hears("</message>")
        assert 'type="error"' in heard
        assert 'id="q1"' in heard
        assert 'code="INTERNAL"' in heard
        it.link.on_stanza(it.seen.append)
        assert await alive(it)


@pytest.mark.parametrize(
    "text",
    [
        f'<message from="{ALICE}" to="{AGENT}" type="error" id="q1"><error type="cancel"/></message>',
        f'<iq from="{ALICE}" to="{AGENT}" type="result" id="q1"/>',
        f'<iq from="{ALICE}" to="{AGENT}" type="error" id="q1"/>',
        f'<presence from="{ALICE}" to="{AGENT}"/>',
    ],
)
async def test_failure_over_what_is_never_answered_stays_silent(text: str) -> None:
    def fails(element: Element) -> None:
        if element.findtext(f"{{{COMPONENT}}}body") != "mark":
            raise RuntimeError("a bug")
        it.seen.append(element)

    async with linked() as it:
        it.link.on_stanza(fails)
        it.peer.say(text)
        assert await alive(it)
        assert "INTERNAL" not in it.peer.got


async def test_foreign_sender_is_not_sent() -> None:
    async with linked() as it:
        assert not it.link.send(stanza("message", ALICE, "bob@hub.test"))
        assert await alive(it)
        assert "bob@hub.test" not in it.peer.got


async def test_confirm_returns_on_the_servers_pong() -> None:
    async with linked() as it:
        waiting = asyncio.create_task(it.link.confirm(10))
        heard = await it.peer.hears("</iq>")
        ping_id = heard.split(' id="')[1].split('"')[0]
        it.peer.say(f'<iq from="mallory@hub.test/x" to="{AGENTS}" type="result" id="{ping_id}"/>')
        assert await alive(it)
        assert not waiting.done(), "a user's answer is no pong"
        it.peer.say(f'<iq from="{SERVER}" to="{AGENTS}" type="result" id="{ping_id}"/>')
        await waiting


async def test_silent_server_is_left_and_met_again() -> None:
    async with linked() as it:
        with pytest.raises(LinkLost):
            await it.link.confirm(0.05)
        async with asyncio.timeout(60):
            while it.peer.links < 2:
                await asyncio.sleep(0.01)


async def test_link_that_breaks_fails_the_confirmation() -> None:
    async with linked() as it:
        waiting = asyncio.create_task(it.link.confirm(10))
        await it.peer.hears("</iq>")
        assert it.peer.writer is not None
        it.peer.writer.close()
        with pytest.raises(LinkLost):
            await waiting


@pytest.mark.parametrize("steps", range(6))
async def test_link_that_is_ended_while_it_comes_up_ends(steps: int) -> None:
    """Python 3.11: `asyncio.wait_for` forgets a cancellation that comes together with what it waits for."""
    loop = asyncio.get_running_loop()

    def after(steps: int, then: Callable[[], object]) -> None:
        loop.call_soon(after, steps - 1, then) if steps else then()

    def sessions() -> Iterator[int]:
        after(steps, running.cancel)
        yield 1

    peer = Peer()
    async with await asyncio.start_server(peer.serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        link = XmppLink(
            XmppHosts("127.0.0.1"), port, AGENTS, SERVER, "sesam", structlog.get_logger(), sessions=sessions()
        )
        link.open()
        running = asyncio.create_task(link.run())
        done, _ = await asyncio.wait([running], timeout=60)
        running.cancel()
        await link.close()
        assert done
        assert running.cancelled()


async def test_of_several_servers_the_link_finds_one_that_is_there() -> None:
    async with linked(hosts="127.0.0.9,127.0.0.1") as it:
        assert await alive(it)


async def test_wrong_secret_is_tried_again_and_never_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_WAIT_S", 0.01)
    async with linked(Peer(secret="other"), up=False) as it:
        await asyncio.sleep(0.3)
        assert not it.link.up
        assert not it.link.send(outgoing("x"))
        it.peer.secret = "sesam"
        await until_up(it.link)
