"""A conversation that becomes long: summed up in the background, paid and on record, its person's to see and to forget;
an entry that is put right is found as it is now; a source is told to who was answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from registry import usage
from tests.e2e.over_http import SOON_S, signed_in, until_ended
from tests.e2e.people import ROOMY, ROOMY_ACCOUNT
from tests.stack import RunningHub

WINDOW = 4


async def said(client: httpx.AsyncClient, agent: str, message: str) -> Any:
    answer = await client.post(f"/v1/agents/{agent}/messages", json={"text": message})
    assert answer.status_code == 202, answer.text
    turn = await until_ended(client, answer.headers["Location"])
    assert turn["state"] == "answered", turn
    return turn["answer"]


async def until(look: Callable[[], Awaitable[Any]]) -> Any:
    """Looks ever more seldom: a person may ask a hundred times a minute, and say twenty things."""
    pause_s = 0.2
    async with asyncio.timeout(SOON_S):
        while not (found := await look()):
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, 5.0)
    return found


async def memories(client: httpx.AsyncClient, agent: str, kind: str) -> list[Any]:
    items = (await client.get(f"/v1/agents/{agent}/memories")).json()["items"]
    return [one for one in items if one["kind"] == kind]


async def test_a_long_conversation_is_summed_up_for_its_person_alone(hub: RunningHub) -> None:
    owner, guest = await hub.account(quota=ROOMY_ACCOUNT), await hub.account(quota=ROOMY_ACCOUNT)
    config = {"short_term_limit": WINDOW}
    made = await hub.agent(owner, governance=ROOMY, memory_config=config, visibility="public")
    agent = str(made.agent_id)
    async with signed_in(hub, owner) as ada, signed_in(hub, guest) as eve:
        await said(eve, agent, "Nothing of mine is in there.")
        for number in range(WINDOW):
            await said(ada, agent, f"The number of my box is 77{number}.")
        (summary,) = await until(lambda: memories(ada, agent, "summary"))
        assert [f"77{number}" in summary["content"] for number in range(WINDOW)] == [True] * WINDOW
        assert "Nothing of mine" not in summary["content"]
        assert await memories(eve, agent, "summary") == []
        recalled = (await said(ada, agent, "What were we talking about?"))["text"]
        assert "770" in recalled, "the first message is beyond short-term memory"
        async with hub.commands() as commands:
            used = await usage.used(commands.pool, owner.actor.owner, made.agent_id, owner.jid, commands.clock.now())
        rows = (await ada.get("/v1/ledger", params={"event_type": "conversation.summarised"})).json()["items"]
        (row,) = rows
        assert row["details"]["memory_id"] == summary["id"]
        assert row["details"]["turns"] == WINDOW
        assert 0 < row["details"]["tokens_used"] < used.mine_today
        assert (await ada.delete(f"/v1/agents/{agent}/memories/{summary['id']}")).status_code == 204
        for number in range(WINDOW):
            await said(ada, agent, f"My boat is {number} feet long.")
        (anew,) = await until(lambda: memories(ada, agent, "summary"))
        assert "feet long" in anew["content"]
        assert "The number of my box" not in anew["content"], "what was forgotten is not summed up again"


async def test_an_entry_that_was_put_right_is_found_as_it_is_now(hub: RunningHub) -> None:
    owner = await hub.account(quota=ROOMY_ACCOUNT)
    agent = str((await hub.agent(owner, governance=ROOMY)).agent_id)
    async with signed_in(hub, owner) as ada:
        where = f"/v1/agents/{agent}/memories"
        wrote = await ada.post(where, json={"content": "my train leaves at nine"})
        assert wrote.status_code == 201, wrote.text
        one = f"{where}/{wrote.json()['id']}"

        async def told(word: str) -> bool:
            return word in (await said(ada, agent, "When does my train leave?"))["text"]

        await until(lambda: told("nine"))
        stale = await ada.put(one, json={"content": "no"}, headers={"If-Match": '"old"'})
        assert stale.status_code == 412
        right = await ada.put(
            one, json={"content": "my train leaves at ten"}, headers={"If-Match": wrote.headers["ETag"]}
        )
        assert (right.status_code, right.json()["content"]) == (200, "my train leaves at ten")
        await until(lambda: told("ten"))
        assert not await told("nine")
        (source,) = (await ada.get(f"/v1/agents/{agent}/sources")).json()["sources"]
        assert (source["kind"], source["content"]) == ("fact", "my train leaves at ten")
        why = (await said(ada, agent, "/why"))["text"]
        assert why.startswith("My last answer rested on:\n- what you wrote down on ")


async def test_an_agent_that_learns_tells_so_and_keeps_it_for_who_said_it(hub: RunningHub) -> None:
    owner, guest = await hub.account(quota=ROOMY_ACCOUNT), await hub.account(quota=ROOMY_ACCOUNT)
    config = {"learns": True}
    made = await hub.agent(owner, governance=ROOMY, memory_config=config, visibility="public")
    agent = str(made.agent_id)
    async with signed_in(hub, owner) as ada, signed_in(hub, guest) as eve:
        assert "This agent keeps what you tell about yourself" in (await said(eve, agent, "Hello!"))["text"]
        learnt = (await said(eve, agent, "My cat is called Tiger."))["text"]
        assert "I keep in mind: “My cat is called Tiger”" in learnt
        (fact,) = await memories(eve, agent, "fact")
        assert (fact["content"], fact["origin"]) == ("My cat is called Tiger", "learnt")
        assert await memories(ada, agent, "fact") == []
        assert "Tiger" in (await said(eve, agent, "What is my cat called?"))["text"]
        assert "Tiger" not in (await said(ada, agent, "What is my cat called?"))["text"]
