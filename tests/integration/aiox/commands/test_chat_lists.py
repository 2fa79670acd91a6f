"""`/agents` and `/documents` as the orchestrator runs them: with its own role in the database."""

from __future__ import annotations

from dataclasses import replace

from aiox.commands import chat_lists, put_document
from aiox.commands.chat import COMMANDS
from aiox.commands.chat_command import Asker
from aiox.commands.chat_lists import SHOWN
from aiox.commands.hub import Actor, Hub
from tests.stores import Stores


def orchestrators(stores: Stores) -> Hub:
    return replace(stores.hub, pool=stores.pools["orchestrator"])


async def test_agents_lists_ones_own_and_nobody_elses(stores: Stores) -> None:
    actor, other = await stores.account(), await stores.account()
    mine = [await stores.agent(actor) for _ in range(2)]
    theirs = await stores.agent(other)
    text = await chat_lists.agents(orchestrators(stores), actor)
    assert all(f"xmpp:agent-{agent}@" in text for agent in mine)
    assert str(theirs) not in text
    nobody = await stores.account()
    assert await chat_lists.agents(orchestrators(stores), nobody) == "You have no agents."


async def test_documents_are_for_the_owner(stores: Stores) -> None:
    actor, other = await stores.account(), await stores.account()
    agent = await stores.agent(actor)
    assert await chat_lists.documents(orchestrators(stores), actor, agent) == "This agent has no documents."
    fields = put_document.PutDocument(
        agent_id=agent, title="Keys", source="keys.md", media_type="text/markdown", content="behind the door"
    )
    await put_document.run(stores.hub, actor, fields)
    assert "Keys (keys.md), waiting" in await chat_lists.documents(orchestrators(stores), actor, agent)
    refused = await chat_lists.documents(orchestrators(stores), other, agent)
    assert "Keys" not in refused


async def test_memory_names_the_source_of_each_entry_and_to_the_owner_the_documents(stores: Stores) -> None:
    owner, guest = await stores.account(), await stores.account()
    agent = await stores.agent(owner, shared_with=(guest.jid,))
    fields = {"agent_id": agent, "title": "Keys", "source": "keys.md", "media_type": "text/markdown", "content": "x"}
    await put_document.run(stores.hub, owner, put_document.PutDocument.model_validate(fields))
    told = [("asked", "I like tea"), ("learnt", "I have a cat"), ("written", "I leave at nine")]
    async with stores.superuser() as connection:
        for origin, content in told:
            await connection.execute(
                "INSERT INTO agent_memories (id, owner_user_id, agent_id, scope, subject_jid, kind, content, origin,"
                " created_at) VALUES (gen_random_uuid(), $1, $2, 'subject', $3, 'fact', $4, $5, clock_timestamp())",
                owner.owner,
                agent,
                guest.jid,
                content,
                origin,
            )

    async def memory(actor: Actor) -> str:
        asker = Asker(actor, agent, owner.owner, None, _nowhere)
        found = await COMMANDS["memory"].answer(orchestrators(stores), asker, {})
        assert isinstance(found, str)
        return found

    heard = await memory(guest)
    assert [line.split(", ")[0] for line in heard.splitlines()[1:]] == [
        "1. I like tea (you told me",
        "2. I have a cat (learnt from what you said",
        "3. I leave at nine (written by you",
    ]
    assert "Keys" not in heard
    known = (await memory(owner)).splitlines()[-1]
    assert known.startswith("- Keys (keys.md, waiting, ")


async def _nowhere(_envelope: object) -> None:
    """Nothing is put on the bus here."""


def test_a_long_list_is_cut() -> None:
    lines = [str(number) for number in range(SHOWN + 1)]
    assert chat_lists._lines("head", "", lines).splitlines()[-1] == "and more"
