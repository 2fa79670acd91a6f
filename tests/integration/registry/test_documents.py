"""Documents on a real database: replaced whole, found by the orchestrator, opened with the tenant's key."""

from __future__ import annotations

from uuid import UUID, uuid4

from aiox.commands.hub import Actor
from aiox.kernel.ids import AgentId
from aiox.runtime.objects.port import NoStore
from aiox.runtime.postgres import owner_scope
from registry import documents, indexing, tenants
from registry.documents import DocumentState, NewDocument, Stored
from tests.stores import NOW, Stores


async def put(stores: Stores, actor: Actor, agent_id: AgentId, content: str) -> tuple[Stored, UUID]:
    new = NewDocument(uuid4(), actor.owner, agent_id, "Notes", "notes.md", "text/markdown", content, "minilm", NOW)
    async with owner_scope(stores.pools["gateway"], actor.owner) as connection:
        ring = await tenants.ring_of(connection, stores.keys, actor.owner)
        return await documents.put(connection, ring, new)


async def test_same_text_is_no_change_and_other_text_replaces(stores: Stores) -> None:
    actor = await stores.account()
    agent_id = await stores.agent(actor)
    created, first = await put(stores, actor, agent_id, "one")
    assert (created, await put(stores, actor, agent_id, "one")) == (Stored.CREATED, (Stored.UNCHANGED, first))
    replaced, second = await put(stores, actor, agent_id, "two")
    assert replaced is Stored.REPLACED
    listed = await documents.list_of_agent(stores.pools["gateway"], actor.owner, agent_id)
    assert [(one.id, one.state, one.bytes) for one in listed] == [(second, DocumentState.WAITING, 3)]


async def test_failed_document_is_tried_again(stores: Stores) -> None:
    actor = await stores.account()
    agent_id = await stores.agent(actor)
    _, first = await put(stores, actor, agent_id, "one")
    assert await indexing.mark_failed(stores.pools["orchestrator"], actor.owner, first, "no worker")
    stored, _ = await put(stores, actor, agent_id, "one")
    assert stored is Stored.REPLACED


async def test_replacing_takes_the_old_chunks_along(stores: Stores) -> None:
    actor = await stores.account()
    agent_id = await stores.agent(actor)
    _, first = await put(stores, actor, agent_id, "one")
    async with owner_scope(stores.pools["ai_worker"], actor.owner, agent_id) as connection:
        await connection.execute(
            "INSERT INTO agent_memories (id, owner_user_id, agent_id, scope, kind, document_id, content, created_at)"
            " VALUES ($1, $2, $3, 'agent', 'chunk', $4, 'one', now())",
            uuid4(),
            actor.owner,
            agent_id,
            first,
        )
    await put(stores, actor, agent_id, "two")
    async with owner_scope(stores.pools["ai_worker"], actor.owner, agent_id) as connection:
        assert await connection.fetchval("SELECT count(*) FROM agent_memories") == 0


async def test_orchestrator_finds_opens_and_marks(stores: Stores) -> None:
    actor = await stores.account()
    agent_id = await stores.agent(actor)
    _, document_id = await put(stores, actor, agent_id, "héllo")
    pool = stores.pools["orchestrator"]
    assert document_id in {one.id for one in await indexing.find_waiting(pool, 1000)}
    content = await indexing.load_content(pool, actor.owner, document_id)
    assert content is not None
    ring = await tenants.load_ring(pool, stores.keys, actor.owner)
    assert await content.open(ring, NoStore()) == "héllo".encode()
    assert await indexing.mark_ready(pool, actor.owner, document_id, 3)
    assert document_id not in {one.id for one in await indexing.find_waiting(pool, 1000)}


async def test_what_is_gone_or_foreign_is_not_marked(stores: Stores) -> None:
    actor, other = await stores.account(), await stores.account()
    _, document_id = await put(stores, actor, await stores.agent(actor), "one")
    pool = stores.pools["orchestrator"]
    assert not await indexing.mark_ready(pool, actor.owner, uuid4(), 1)
    assert not await indexing.mark_ready(pool, other.owner, document_id, 1)
    assert await indexing.load_content(pool, other.owner, document_id) is None


async def test_a_name_finds_what_this_correspondent_may_use_their_own_first(stores: Stores) -> None:
    actor, pool = await stores.account(), stores.pools["orchestrator"]
    agent_id, other = await stores.agent(actor), await stores.agent(actor)

    async def kept(agent: AgentId, subject: str, title: str, content: str, *, readable: bool = True) -> UUID:
        source = f"{title}-{content}"
        new = NewDocument(
            uuid4(), actor.owner, agent, title, source, "", content, "minilm", NOW, subject=subject, readable=readable
        )
        async with owner_scope(pool, actor.owner) as connection:
            ring = await tenants.ring_of(connection, stores.keys, actor.owner)
            return (await documents.put(connection, ring, new))[1]

    everybodys = await kept(agent_id, "", "sums", "all")
    bobs = await kept(agent_id, "bob@localhost", "sums", "bob's", readable=False)
    await kept(other, "", "elsewhere", "x")

    async def found(subject: str, name: str) -> UUID | None:
        one = await documents.find_named(pool, actor.owner, agent_id, subject, name)
        return None if one is None else one[0]

    assert [await found(who, "sums") for who in ("bob@localhost", "eve@localhost")] == [bobs, everybodys]
    assert await found("eve@localhost", "sums-all") == everybodys
    assert await found("eve@localhost", "sums-bob's") is None
    assert await found("bob@localhost", "elsewhere") is None
    waiting = {one.id for one in await indexing.find_waiting(pool, 1000)}
    assert (everybodys in waiting, bobs in waiting) == (True, False), "what cannot be read is kept and not read"
