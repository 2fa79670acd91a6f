"""Files sent in a chat: for their sender alone, as far as the worker's role, the owner's lists and the export reach."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from aiox.commands import attach_file
from aiox.commands.attach_file import Attached, Receiver
from aiox.commands.hub import Actor, Hub
from aiox.kernel.envelope import Attachment
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import AgentId
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from aiox.runtime.fetching import Fetched, NotFetched
from aiox.runtime.objects.folder import FolderStore
from aiox.runtime.postgres import owner_scope
from policy.access import Relation
from registry import chat_files, documents, memories, personal_data
from registry.documents import DocumentState
from registry.tenants import load_ring
from tests.stores import Stores

BOB, EVE = BareJid("bob@peer.test"), BareJid("eve@peer.test")
NOTES = Attachment("https://files.test/notes.txt", "notes.txt", "text/plain")
TITLES = "SELECT title FROM documents WHERE owner_user_id = $1 AND agent_id = $2"
Send = Callable[..., Awaitable[Attached | Refused]]


async def fetch(url: str, _most: int) -> Fetched:
    if "missing" in url:
        raise NotFetched("Its host answered 404.")
    if "empty" in url:
        return Fetched(b"", "text/plain")
    return Fetched(b"\x89PNG\r\n\x1a\n" if "png" in url else b"the green key", "text/plain")


class World:
    def __init__(self, stores: Stores, hub: Hub, owner: Actor, agent: AgentId) -> None:
        self.stores, self.hub, self.owner, self.agent = stores, hub, owner, agent

    async def send(
        self,
        sender: BareJid,
        file: Attachment = NOTES,
        *,
        relation: Relation = Relation.GRANTED,
        for_all: bool = False,
        memory_mb: int = 512,
    ) -> Attached | Refused:
        receiver = Receiver(self.owner.owner, self.agent, relation, memory_mb, "minilm")
        actor = Actor(self.owner.owner, sender)
        return await attach_file.run(self.hub, actor, receiver, file, fetch, for_all=for_all)

    async def titles(self, subject: str) -> list[str]:
        """What the worker's role sees of documents in somebody's turn."""
        pool = self.stores.pools["ai_worker"]
        async with owner_scope(pool, self.owner.owner, self.agent, subject) as connection:
            return [row["title"] for row in await connection.fetch(TITLES, self.owner.owner, self.agent)]


@pytest.fixture
async def world(stores: Stores, tmp_path: Path) -> World:
    owner = await stores.account()
    hub = replace(stores.hub, pool=stores.pools["orchestrator"], objects=FolderStore(tmp_path), upload_bytes=1000)
    return World(stores, hub, owner, await stores.agent(owner))


async def test_a_file_is_its_senders_alone(world: World) -> None:
    taken = await world.send(BOB)
    assert isinstance(taken, Attached)
    assert await world.titles(BOB) == ["notes.txt"]
    assert await world.titles(EVE) == []
    assert await world.titles(world.owner.jid) == []
    gateway = world.stores.pools["gateway"]
    assert await documents.list_of_agent(gateway, world.owner.owner, world.agent) == []
    assert await documents.find(gateway, world.owner.owner, world.agent, taken.document_id) is None
    assert not await documents.delete(gateway, world.owner.owner, world.agent, taken.document_id)
    assert [one.title for one in await chat_files.of_subject(gateway, world.agent, BOB)] == ["notes.txt"]
    assert await chat_files.of_subject(gateway, world.agent, EVE) == []
    assert await chat_files.forget(gateway, world.agent, EVE) == 0


@pytest.mark.control
async def test_without_row_level_security_everybody_would_have_it(world: World) -> None:
    await world.send(BOB)
    async with world.stores.superuser() as connection:
        rows = await connection.fetch(TITLES.replace("documents", "aiox.documents"), *_of(world))
    assert [row["title"] for row in rows] == ["notes.txt"]


def _of(world: World) -> tuple[object, object]:
    return world.owner.owner, world.agent


async def test_the_owner_is_not_handed_what_guests_sent(world: World) -> None:
    await world.send(BOB)
    gateway = world.stores.pools["gateway"]
    ring = await load_ring(gateway, world.stores.keys, world.owner.owner)
    rows = [row async for row in personal_data.rows_of(gateway, ring, world.owner.owner, "documents")]
    assert rows == []


async def test_two_people_may_send_files_of_one_name(world: World) -> None:
    first, second = await world.send(BOB), await world.send(EVE)
    assert isinstance(first, Attached)
    assert isinstance(second, Attached)
    assert first.document_id != second.document_id
    again = await world.send(BOB)
    assert again == first, "the same file again changes nothing"


async def test_a_person_sees_and_forgets_it_among_what_is_remembered(world: World) -> None:
    await world.send(BOB)
    gateway = world.stores.pools["gateway"]
    (entry,) = await memories.of_subject(gateway, world.agent, BOB)
    assert (entry.kind, entry.content) == ("file", "notes.txt")
    assert await memories.forget(gateway, world.agent, BOB, [entry.id]) == 1
    assert await memories.of_subject(gateway, world.agent, BOB) == []


async def test_an_owner_may_give_it_to_all_and_nobody_else(world: World) -> None:
    await world.send(world.owner.jid, relation=Relation.OWNER, for_all=True)
    assert await world.titles(EVE) == ["notes.txt"]
    other = replace(NOTES, name="guest.txt")
    await world.send(BOB, other, for_all=True)
    assert await world.titles(EVE) == ["notes.txt"]


@pytest.mark.parametrize(
    ("file", "code", "words"),
    [
        (Attachment("https://files.test/a.png", "a.png"), ErrorCode.UNSUPPORTED_MEDIA_TYPE, "a picture"),
        (Attachment("https://files.test/missing", "x.txt"), ErrorCode.BODY_INVALID, "answered 404"),
        (Attachment("https://files.test/empty", "x.txt"), ErrorCode.BODY_EMPTY, "empty"),
        (Attachment("https://files.test/n", "x.txt", "", 5000), ErrorCode.BODY_TOO_LARGE, "larger than 1,000 bytes"),
    ],
)
async def test_what_cannot_be_taken_is_refused_in_words(
    world: World, file: Attachment, code: ErrorCode, words: str
) -> None:
    no = await world.send(BOB, file)
    assert isinstance(no, Refused)
    assert no.code is code
    assert words in no.reason


async def test_a_full_memory_keeps_nothing_and_says_so(world: World) -> None:
    no = await world.send(BOB, memory_mb=0)
    assert isinstance(no, Refused)
    assert no.code is ErrorCode.MEMORY_FULL
    assert await world.titles(BOB) == []


async def test_who_may_not_talk_to_the_agent_sends_it_nothing(world: World) -> None:
    no = await world.send(EVE, relation=Relation.NONE)
    assert isinstance(no, Refused)
    assert no.code is ErrorCode.ACCESS_DENIED
    assert await world.titles(EVE) == []


async def test_how_far_files_are_is_told(world: World) -> None:
    taken = await world.send(BOB)
    assert isinstance(taken, Attached)
    orchestrator = world.stores.pools["orchestrator"]
    (one,) = await chat_files.progress(orchestrator, world.owner.owner, [taken.document_id])
    assert one.state is DocumentState.WAITING
    assert await chat_files.progress(orchestrator, (await world.stores.account()).owner, [taken.document_id]) == []
