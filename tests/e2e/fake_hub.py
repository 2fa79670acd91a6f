"""A server that tests play themselves: it proves its own name as it should, and says what the test wants.

Streams between servers go one way each: to the hub it speaks by an `Impostor`, and here it hears what the hub says.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import cast
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from tests.e2e.impostor import HEADER, SASL, TLS, Identity, Impostor, impostor
from tests.e2e.neighbours import Neighbours

OFFERS_TLS = f"<stream:features><starttls xmlns='{TLS}'><required/></starttls></stream:features>"
OFFERS_PROOF = (
    f"<stream:features><mechanisms xmlns='{SASL}'><mechanism>EXTERNAL</mechanism></mechanisms></stream:features>"
)
OFFERS_NOTHING = "<stream:features/>"


Speak = Callable[[str, str], Awaitable[Impostor]]


class FakeHub:
    """Listens in its own names, and keeps every stanza that comes, until it knows what to answer."""

    def __init__(self, identity: Identity, speak: Speak) -> None:
        """`speak` opens a stream to a server, by its domain, in one of our names."""
        self.got: list[Element] = []
        self._answers: Callable[[Element], str] | None = None
        self._speak = speak
        self._voices: dict[tuple[str, str], Impostor] = {}
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(identity.certificate, identity.key)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One stream of a server to us."""
        with suppress(OSError, asyncio.IncompleteReadError, ssl.SSLError):
            try:
                me, them = await _greeted(reader, writer, OFFERS_TLS)
                await reader.readuntil(b"/>")
                writer.write(f"<proceed xmlns='{TLS}'/>".encode())
                await writer.start_tls(self._context)
                await _greeted(reader, writer, OFFERS_PROOF, me)
                await reader.readuntil(b"</auth>")
                writer.write(f"<success xmlns='{SASL}'/>".encode())
                await _greeted(reader, writer, OFFERS_NOTHING, me)
                await self._hear(reader, them)
            finally:
                writer.transport.abort()

    async def _hear(self, reader: asyncio.StreamReader, them: str) -> None:
        parser: XMLPullParser[Element] = XMLPullParser(("start", "end"))
        depth = 0
        parser.feed(HEADER.format(me=them, to=""))
        with suppress(ParseError):  # the end of a stream
            while piece := await reader.read(65_536):
                parser.feed(piece)
                for found in parser.read_events():
                    event, element = cast("tuple[str, Element]", found)
                    depth += 1 if event == "start" else -1
                    if event == "end" and depth == 1:
                        await self._take(element)

    async def _take(self, stanza: Element) -> None:
        self.got.append(stanza)
        if self._answers is not None:
            await self._answer(stanza, self._answers)

    async def _answer(self, stanza: Element, answers: Callable[[Element], str]) -> None:
        if said := answers(stanza):
            await self.say(stanza.get("to", ""), stanza.get("from", ""), said)

    async def say(self, me: str, to: str, stanza: str) -> None:
        """Says something to that domain in the name of `me`. A hub that is told of another peer ends all streams."""
        voice = self._voices.get((me, to))
        if voice is None or voice.ended:
            voice = self._voices[me, to] = await self._speak(me, to)
        await voice.tell(stanza)

    async def answer_with(self, answers: Callable[[Element], str]) -> None:
        """From now on that is said to each stanza, when it is not empty; and now to all that came before."""
        self._answers = answers
        for stanza in list(self.got):
            await self._answer(stanza, answers)

    async def until(self, wanted: Callable[[Element], bool], seconds: float = 60.0) -> Element:
        """The first stanza, past or to come, that is wanted."""
        async with asyncio.timeout(seconds):
            while True:
                for one in self.got:
                    if wanted(one):
                        return one
                await asyncio.sleep(0.02)


async def _greeted(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, offers: str, me: str = ""
) -> tuple[str, str]:
    """Answers the head of a stream; in whose name we are spoken to, and by whom."""
    head = ""
    while "<stream:stream" not in head:
        head += (await reader.readuntil(b">")).decode()
    said = dict(re.findall(r"\b(from|to)=['\"]([^'\"]*)['\"]", head))
    me = me or said.get("to", "")
    writer.write((HEADER.format(me=me, to=said.get("from", "")) + offers).encode())
    return me, said.get("from", "")


@asynccontextmanager
async def fake_hub(hubs: Neighbours, *names: str) -> AsyncIterator[FakeHub]:
    """One that listens where both hubs look for it, in these names of `neighbours.FAKES`."""
    identity = hubs.identity(names[0], *names, *(f"agents.{name}" for name in names))
    async with AsyncExitStack() as stack:

        async def speak(me: str, to: str) -> Impostor:
            hub = hubs.a if to == hubs.a.settings.agents_domain else hubs.b
            wanted = hub.settings.federation
            made = await stack.enter_async_context(impostor(wanted.address, wanted.port, me, hub.settings.domain))
            await made.greet()
            await made.encrypt(identity)
            assert await made.external(), f"{me} was not believed"
            return made

        made = FakeHub(identity, speak)
        server = await asyncio.start_server(made.serve, hubs.fake_at, hubs.a.settings.federation.port)
        try:
            yield made
        finally:
            server.close()
