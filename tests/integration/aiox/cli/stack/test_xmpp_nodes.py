"""XMPP servers that are one: people at different ones talk, and the loss of one does not end the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest

from aiox.cli.chat.stream import CLIENT, Stream
from aiox.cli.stack import ca, credentials, ejabberd, postgres
from aiox.cli.stack.home import Home, prepare
from aiox.cli.stack.processes import Process
from aiox.cli.stack.trouble import CannotGoOn
from aiox.cli.stack.xmpp_accounts import ServerAccounts
from aiox.kernel.jid import BareJid
from aiox.runtime.clock import SystemClock
from aiox.runtime.settings import Cluster, Hosts, Settings
from tests.stack import cut_power, free_ports, twin

HOSTS = ("127.0.0.1", "127.0.0.2")
ALICE, BOB = BareJid("alice@localhost"), BareJid("bob@localhost")
PASSWORD = "correct horse battery"
SOON_S = 60.0


class Client:
    """Somebody who is logged in, at one of the servers."""

    def __init__(self, jid: BareJid, host: str, home: Home, settings: Settings) -> None:
        ca_file = home.secrets("xmpp").path("ca.crt")
        self.stream = Stream(jid, PASSWORD, host, settings.ports.xmpp_client, ca_file, self._heard)
        self._heard_last: asyncio.Queue[str] = asyncio.Queue()

    def _heard(self, stanza: Element) -> None:
        self._heard_last.put_nowait(stanza.findtext(f"{{{CLIENT}}}body") or "")

    def say(self, to: BareJid, text: str) -> None:
        body = Element(f"{{{CLIENT}}}body")
        body.text = text
        self.stream.send(to, text, [body])

    async def hears(self) -> str:
        async with asyncio.timeout(SOON_S):
            return await self._heard_last.get()


class Pair:
    """Two servers with one database."""

    def __init__(self, folder: Path) -> None:
        ports = free_ports()
        self.homes: list[tuple[Home, Settings]] = []
        self.running: list[Process] = []
        for number, host in enumerate(HOSTS, 1):
            hosts, cluster = Hosts(xmpp=host, listen=host), Cluster(xmpp=",".join(HOSTS), xmpp_node=number)
            settings = Settings(home=folder / str(number), ports=ports, hosts=hosts, cluster=cluster)
            home = twin(settings, self.homes[0][0]) if self.homes else prepare(settings)
            credentials.ensure(home)
            ca.ensure(home, settings.domain, SystemClock().now())
            self.homes.append((home, settings))

    async def come_in(self, jid: BareJid, number: int, stack: AsyncExitStack) -> Client:
        client = Client(jid, HOSTS[number], *self.homes[number])
        await client.stream.open()
        stack.push_async_callback(client.stream.close)
        return client


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    found = Pair(tmp_path)
    home, settings = found.homes[0]
    database = await postgres.start(home, settings.ports.postgres)
    try:
        for one in found.homes:
            found.running.append(await ejabberd.start(*one))
        yield found
    finally:
        for process in found.running:
            await process.stop()
        await database.stop()


async def test_they_are_one_and_one_goes_on_without_the_other(pair: Pair) -> None:
    for jid in (ALICE, BOB):
        await ServerAccounts(*pair.homes[0]).ensure(jid, PASSWORD)
    async with AsyncExitStack() as stack:
        alice, bob = await pair.come_in(ALICE, 0, stack), await pair.come_in(BOB, 1, stack)
        alice.say(BOB, "hello")
        assert await bob.hears() == "hello"
        await cut_power(pair.running[0])
        again = await pair.come_in(ALICE, 1, stack)
        again.say(BOB, "still there?")
        assert await bob.hears() == "still there?"
        pair.running[0] = await ejabberd.start(*pair.homes[0])  # it comes back, and remembers whose it is
        back = await pair.come_in(ALICE, 0, stack)
        back.say(BOB, "here again")
        assert await bob.hears() == "here again"


@pytest.mark.parametrize(
    ("cluster", "why"),
    [
        (Cluster(xmpp="a,b", xmpp_node=3), "names 2"),
        (Cluster(xmpp_node=2), "name all XMPP servers"),
    ],
)
async def test_a_number_without_a_name_is_refused_in_words(tmp_path: Path, cluster: Cluster, why: str) -> None:
    settings = Settings(home=tmp_path, ports=free_ports(), cluster=cluster)
    home = prepare(settings)
    credentials.ensure(home)
    ca.ensure(home, settings.domain, SystemClock().now())
    with pytest.raises(CannotGoOn, match=why):
        await ejabberd.start(home, settings)
