"""Someone at a keyboard: an XMPP client that sends any stanza and keeps every one that comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID, uuid4
from xml.etree.ElementTree import Element, tostring

from aiox.cli.chat.client import RECEIPTS
from aiox.cli.chat.stream import CLIENT, Stream
from aiox.commands import list_documents, put_document
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from tests.stack import Account, RunningHub

GREETING = "Hello, I am "
ROOMY = {"max_tokens_per_minute": 1_000_000}
ROOMY_ACCOUNT = {"tokens_per_minute": 1_000_000}
"""Limits that do not bind, for conversations of several turns."""
PATIENCE_S = 120.0
"""Longer than the hub gives a turn, in which a worker may be lost and come back."""


class Person:
    """A logged-in account.

    An agent greets its owner when the sweep of the outbox finds that it is new, 5 to 10 s after it was made: on a slow
    machine in the middle of what a test looks at. So greetings are kept apart.
    """

    def __init__(self) -> None:
        self.got: list[Element] = []
        self.greetings: list[Element] = []
        self._news = asyncio.Event()
        self.stream: Stream | None = None

    def take(self, element: Element) -> None:
        (self.greetings if body_of(element).startswith(GREETING) else self.got).append(element)
        self._news.set()

    def say(self, to: str, body: str | None, message_id: str = "", extra: tuple[Element, ...] = ()) -> str:
        """Sends a chat message; returns its id."""
        assert self.stream is not None
        message_id = message_id or str(uuid4())
        children = list(extra)
        if body is not None:
            text = Element(f"{{{CLIENT}}}body")
            text.text = body
            children.append(text)
        self.stream.send(to, message_id, children)
        return message_id

    async def until(self, wanted: Callable[[Element], bool], seconds: float = PATIENCE_S) -> Element:
        """The first stanza, past or to come, that is wanted."""
        async with asyncio.timeout(seconds):
            while True:
                for element in self.got:
                    if wanted(element):
                        return element
                self._news.clear()
                await self._news.wait()

    async def error_for(self, message_id: str) -> Element:
        return await self.until(lambda got: got.get("type") == "error" and got.get("id") == message_id)

    async def receipt_for(self, message_id: str) -> Element:
        def confirms(got: Element) -> bool:
            received = got.find(f"{{{RECEIPTS}}}received")
            return received is not None and received.get("id") == message_id

        return await self.until(confirms)


@asynccontextmanager
async def online(hub: RunningHub, account: Account) -> AsyncIterator[Person]:
    person = Person()
    ca_file = hub.home.secrets("xmpp").path("ca.crt")
    port = hub.settings.ports.xmpp_client
    person.stream = Stream(account.jid, account.password, "127.0.0.1", port, ca_file, person.take)
    await person.stream.open()
    try:
        yield person
    finally:
        await person.stream.close()


def body_of(element: Element) -> str:
    return element.findtext(f"{{{CLIENT}}}body") or ""


async def answer_to(person: Person, agent: str, text: str) -> str:
    """Asks, and waits for the answer to this very question. An error is none."""
    got = await outcome_of(person, agent, text)
    assert got.get("type") != "error", shape(got, hide=())
    return body_of(got)


async def outcome_of(person: Person, agent: str, text: str) -> Element:
    """Asks, and waits for the answer or the error to this very question: the thread tells answers apart."""
    thread = Element(f"{{{CLIENT}}}thread")
    thread.text = str(uuid4())
    asked = person.say(agent, text, extra=(thread,))

    def ends(one: Element) -> bool:
        if one.get("type") == "error":
            return one.get("id") == asked
        return bool(body_of(one)) and one.findtext(f"{{{CLIENT}}}thread") == thread.text

    return await person.until(ends)


def shape(error: Element, *, hide: tuple[str, ...]) -> str:
    """An error stanza as text, with the names that must differ taken out."""
    text = tostring(error, encoding="unicode")
    for name in hide:
        text = text.replace(name, "*")
    return text


async def teach(hub: RunningHub, owner: Account, agent: AgentId, source: str, text: str) -> UUID:
    """Gives the agent a document and waits until a worker has embedded it."""
    fields = put_document.PutDocument(
        agent_id=agent, title=source, source=source, media_type="text/markdown", content=text
    )
    async with hub.commands() as commands:
        put = await put_document.run(commands, owner.actor, fields)
        assert not isinstance(put, Refused), put
        async with asyncio.timeout(60):
            while True:
                listed = await list_documents.run(commands, owner.actor, list_documents.ListDocuments(agent_id=agent))
                assert not isinstance(listed, Refused), listed
                state = next(one.state for one in listed if one.source == source)
                if state in ("ready", "failed"):
                    assert state == "ready"
                    return put.document_id
                await asyncio.sleep(0.05)
