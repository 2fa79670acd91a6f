"""`/agents` and `/documents` as the orchestrator runs them: with its own role in the database."""

from __future__ import annotations

from dataclasses import replace

from aiox.commands import chat_lists, put_document
from aiox.commands.chat_lists import SHOWN
from aiox.commands.hub import Hub
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


def test_a_long_list_is_cut() -> None:
    lines = [str(number) for number in range(SHOWN + 1)]
    assert chat_lists._lines("head", "", lines).splitlines()[-1] == "and more"
