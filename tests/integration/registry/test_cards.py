"""Cards, pictures, directory and news of agents, on the real database in the component's role."""

from __future__ import annotations

import base64
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from aiox.commands import publish_agent, retire_agent
from aiox.commands.create_agent import AgentCreated, CreateAgent
from aiox.commands.create_agent import run as create
from aiox.commands.edit_agent import PatchAgent, WhichAgent, update
from aiox.commands.hub import Actor
from aiox.kernel.avatar import Image
from aiox.kernel.ids import AgentId, agent_id_of
from aiox.kernel.jid import BareJid
from registry import cards
from registry.cards import Card, Page
from tests.integration.registry.test_agent_versions import new_agent
from tests.stores import Stores

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(40)
AVATAR = "data:image/png;base64," + base64.b64encode(PNG).decode()


async def card(stores: Stores, agent: AgentId, jid: BareJid) -> Card | None:
    return (await cards.find_cards(stores.pools["component"], [(agent, jid)]))[0]


async def made_with_picture(stores: Stores, actor: Actor, **fields: object) -> AgentCreated:
    profile = {"name": "Zoë", "description": "knows paint", "avatar": AVATAR}
    given = {"profile": profile, "capabilities": {"domain_tags": ["paint"]}, **fields}
    made = await create(stores.hub, actor, CreateAgent.model_validate(given))
    assert isinstance(made, AgentCreated), made
    return made


async def test_a_card_shows_the_agent_to_those_who_may_see_it(stores: Stores) -> None:
    actor, guest = await stores.account(), BareJid("guest@localhost")
    alias = f"a{uuid4().hex[:10]}"
    made = await made_with_picture(stores, actor, alias=alias, visibility="shared", shared_with=[guest])
    mine, again, theirs, hidden, unknown = await cards.find_cards(
        stores.pools["component"],
        [
            (made.agent_id, actor.jid),
            (agent_id_of(alias), actor.jid),
            (made.agent_id, guest),
            (made.agent_id, BareJid("eve@localhost")),
            (AgentId(uuid4()), actor.jid),
        ],
    )
    assert mine is not None
    assert mine == again
    assert (mine.agent_id, mine.jid, mine.alias, mine.version) == (made.agent_id, made.jid, alias, 1)
    assert (mine.name, mine.description, mine.tags, mine.owned) == ("Zoë", "knows paint", ("paint",), True)
    assert mine.avatar == Image("image/png", PNG).ref
    assert theirs is not None
    assert not theirs.owned
    assert (hidden, unknown) == (None, None)


async def test_the_picture_is_for_those_who_may_see_the_agent(stores: Stores) -> None:
    actor, pool = await stores.account(), stores.pools["component"]
    made, plain = await made_with_picture(stores, actor), await new_agent(stores, actor)
    assert await cards.find_portrait(pool, made.agent_id, actor.jid) == Image("image/png", PNG)
    assert await cards.find_portrait(pool, made.agent_id, BareJid("eve@localhost")) is None
    assert await cards.find_portrait(pool, plain.agent_id, actor.jid) is None


async def test_a_used_up_day_and_a_waiting_approval_show(stores: Stores) -> None:
    actor, guest, other = await stores.account(), BareJid("guest@localhost"), BareJid("other@localhost")
    made = await new_agent(stores, actor, visibility="public")
    async with stores.superuser() as connection:
        await connection.execute(
            "INSERT INTO user_quotas (user_id, tokens_used_today, last_reset) VALUES ($1, 10^9, now())"
            " ON CONFLICT (user_id) DO UPDATE SET tokens_used_today = 10^9, last_reset = now()",
            actor.owner,
        )
        await _waiting(connection, actor, made, guest, timedelta(minutes=5))
    seen = {jid: await card(stores, made.agent_id, jid) for jid in (actor.jid, guest, other)}
    assert {jid: one and (one.waits, one.spent) for jid, one in seen.items()} == {
        actor.jid: (True, True),
        guest: (True, True),
        other: (False, True),
    }
    async with stores.superuser() as connection:
        await connection.execute("UPDATE approvals SET expires_at = now() WHERE agent_id = $1", made.agent_id)
        await connection.execute(
            "UPDATE user_quotas SET last_reset = now() - interval '1 day' WHERE user_id = $1", actor.owner
        )
    later = await card(stores, made.agent_id, actor.jid)
    assert later is not None
    assert (later.waits, later.spent) == (False, False)


async def _waiting(
    connection: asyncpg.Connection[asyncpg.Record], actor: Actor, made: AgentCreated, jid: str, left: timedelta
) -> None:
    await connection.execute(
        "INSERT INTO approvals (id, owner_user_id, agent_id, agent_version_id, turn_id, requester_jid, tool_name,"
        " policy_hash, digest, kind, quorum, approvers, second_factor, rules, state, created_at, expires_at)"
        " VALUES (gen_random_uuid(), $1, $2, $3, gen_random_uuid(), $4, 'http_request', '', '', 'confirm', 1,"
        " '{}', false, '{}', 'pending', now(), now() + $5)",
        actor.owner,
        made.agent_id,
        made.version_id,
        jid,
        left,
    )


async def test_the_directory_lists_what_the_asker_may_see(stores: Stores) -> None:
    actor, other, pool = await stores.account(), await stores.account(), stores.pools["component"]
    word = uuid4().hex
    names = {"mine": "private", "ours": "shared", "all": "public"}
    made = {
        name: await new_agent(
            stores,
            actor,
            profile={"name": f"{word} {name}"},
            visibility=visibility,
            shared_with=[other.jid] if visibility == "shared" else [],
        )
        for name, visibility in names.items()
    }
    gone = await new_agent(stores, actor, profile={"name": f"{word} gone"}, visibility="public")
    await retire_agent.delete(stores.hub, actor, WhichAgent(agent_id=gone.agent_id))

    async def listed(jid: BareJid) -> tuple[set[str], int]:
        found = await cards.list_visible(pool, jid, word.upper(), Page(50))
        return {entry.name.split()[1] for entry in found.entries}, found.total

    assert await listed(actor.jid) == (set(names), 3)
    assert await listed(other.jid) == ({"ours", "all"}, 2)
    assert await listed(BareJid("eve@localhost")) == ({"all"}, 1)
    order = sorted(one.jid for one in made.values())

    async def page(wanted: Page) -> list[str]:
        return [entry.jid for entry in (await cards.list_visible(pool, actor.jid, word, wanted)).entries]

    assert await page(Page(2)) == order[:2]
    assert await page(Page(2, after=order[1])) == order[2:]
    assert await page(Page(2, backwards=True)) == order[1:]
    assert await page(Page(2, before=order[2], backwards=True)) == order[:2]
    assert await page(Page(2, after=order[2])) == []
    assert (await cards.list_visible(pool, actor.jid, word, Page(2, after=order[2]))).total == 3


async def test_news_name_the_agents_that_changed(stores: Stores) -> None:
    actor, pool = await stores.account(), stores.pools["component"]
    made = await new_agent(stores, actor)
    position = await cards.news_end(pool)
    change = PatchAgent.model_validate({"agent_id": made.agent_id, "profile": {"name": "New"}})
    await update(stores.hub, actor, change)
    await publish_agent.publish(stores.hub, actor, WhichAgent(agent_id=made.agent_id))
    later, changed = await cards.news(pool, position, 100)
    assert made.agent_id in changed
    assert later > position
    assert await cards.news(pool, later, 100) == (later, frozenset())


async def test_an_empty_question_has_an_empty_answer(stores: Stores) -> None:
    assert await cards.find_cards(stores.pools["component"], []) == []


@pytest.mark.parametrize("service", ["gateway", "orchestrator", "ai_worker"])
async def test_nobody_else_may_ask(stores: Stores, service: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await cards.find_cards(stores.pools[service], [(AgentId(UUID(int=1)), BareJid("a@b"))])  # type: ignore[index]
