"""A call waits for a person, and runs once they agreed: in the chat, by another person, and never otherwise."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4
from xml.etree.ElementTree import Element

import httpx
import pytest

from aiox.commands import approvals, policies, publish_agent
from aiox.commands.approvals import Waiting
from aiox.commands.create_agent import AgentCreated
from aiox.commands.edit_agent import PatchAgent, WhichAgent, update
from aiox.commands.hub import Actor
from aiox.commands.policies import PolicyText, WhichVersion
from aiox.commands.resume import resumed_turn
from aiox.kernel.ids import HUB_OWNER
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from bench.stub_model import Scripted
from registry.policies import FRESH_S
from tests.e2e.database import superuser
from tests.e2e.over_http import signed_in
from tests.e2e.people import Person, answer_to, body_of, online
from tests.e2e.tool_hub import HELD, ToolHub, appends, tool_hub
from tests.stack import Account

Away = Callable[[ToolHub], AbstractAsyncContextManager[None]]
OPERATOR = Actor(HUB_OWNER, BareJid("operator@localhost"))
NAME = re.compile(r"^Approval ([0-9a-f]{8}): append_line", re.MULTILINE)
FOUR_EYES = """
@id("four eyes for low risks") @hold("four_eyes")
forbid(principal, action == Action::"tool.call", resource) when { context.risk == "low" };
"""


@pytest.fixture(scope="module")
async def tools() -> AsyncIterator[ToolHub]:
    async with tool_hub() as running:
        yield running


async def heard(person: Person, text: str) -> str:
    def fits(got: Element) -> bool:
        return text in body_of(got)

    return body_of(await person.until(fits))


async def held(tools: ToolHub, person: Person, agent: AgentCreated, line: str = "hello") -> tuple[str, str]:
    """Has the agent ask for a line. Returns the name of the file and of the approval."""
    file = uuid4().hex
    tools.model.script(appends(file, line), "I have asked.")
    told = await answer_to(person, agent.jid, "write it")
    found = NAME.search(told)
    assert found is not None, told
    assert f"  line: {line}" in told
    return file, found[1]


async def written(tools: ToolHub, file: str, lines: list[str]) -> None:
    async with asyncio.timeout(90):
        while tools.lines(file) != lines:
            await asyncio.sleep(0.05)


async def events(tools: ToolHub, agent: AgentCreated) -> list[str]:
    async with superuser(tools.hub) as connection:
        rows = await connection.fetch(
            "SELECT event_type FROM audit_logs WHERE owner_user_id = (SELECT owner_user_id FROM agents WHERE id = $1)"
            " AND (event_type LIKE 'approval.%' OR event_type LIKE 'tool.%') ORDER BY seq",
            agent.agent_id,
        )
    return [row["event_type"] for row in rows]


async def test_who_asked_confirms_in_the_chat_and_it_runs_once(tools: ToolHub) -> None:
    owner, agent = await tools.agent(HELD)
    async with online(tools.hub, owner) as person:
        file, name = await held(tools, person, agent)
        assert tools.lines(file) == []
        tools.model.script("It is written.")
        asked = tools.model.count
        assert (await answer_to(person, agent.jid, f"/approve {name}")).startswith("Approved: append_line")
        assert await heard(person, "It is written.")
        await written(tools, file, ["hello"])
        assert tools.model.count == asked + 1, "the command must not reach the model"
        again = await answer_to(person, agent.jid, f"/approve {name}")
        assert "nothing here" in again
    assert tools.lines(file) == ["hello"]
    assert await tools.calls(agent) == [("append_line", "done")]
    assert await events(tools, agent) == ["approval.asked", "approval.decided", "tool.started", "tool.done"]


async def test_the_conversation_goes_on_while_a_call_waits_and_a_no_ends_it(tools: ToolHub) -> None:
    owner, agent = await tools.agent(HELD)
    async with online(tools.hub, owner) as person:
        file, name = await held(tools, person, agent)
        assert await answer_to(person, agent.jid, "are you there?") == "echo: are you there?"
        assert name in await answer_to(person, agent.jid, "/pending")
        assert (await answer_to(person, agent.jid, f"/deny {name}")).startswith("Denied")
        assert await answer_to(person, agent.jid, "/pending") == "No approval waits for you."
    assert tools.lines(file) == []


async def test_the_text_commands_answer_without_the_model(tools: ToolHub) -> None:
    owner, agent = await tools.agent(HELD)
    async with online(tools.hub, owner) as person:
        assert await answer_to(person, agent.jid, "hello") == "echo: hello"
        asked = tools.model.count
        assert "/approve NAME" in await answer_to(person, agent.jid, "/help")
        assert "I do not know /dance." in await answer_to(person, agent.jid, "/dance for me")
        assert "agent.invoke: allow, decided by hub/R0 agent.invoke; policy hub:" in (
            await answer_to(person, agent.jid, "/why")
        )
        assert "tokens with this agent today" in await answer_to(person, agent.jid, "/quota")
        assert tools.model.count == asked
        assert (await answer_to(person, agent.jid, "/etc/hosts is a file")).startswith("echo:")
    stranger = await tools.hub.account()
    async with online(tools.hub, stranger) as person:
        refused = await person.error_for(person.say(agent.jid, "/help"))
        assert "ACCESS_DENIED" in "".join(refused.itertext()) or refused.get("type") == "error"


async def join(tools: ToolHub, *members: tuple[Account, str]) -> UUID:
    scope = uuid4()
    async with superuser(tools.hub) as connection:
        await connection.execute("INSERT INTO organisations VALUES ($1, 'o', now())", scope)
        for account, role in members:
            await connection.execute(
                "INSERT INTO memberships VALUES ($1, $2, $3, now())", scope, account.actor.owner, role
            )
    return scope


async def waiting(tools: ToolHub, account: Account) -> list[Waiting]:
    async with tools.hub.commands() as hub:
        found = await approvals.list_open(hub, account.actor)
    assert not isinstance(found, Refused)
    return list(found)


async def heard_of(person: Person, agent: AgentCreated, version: int) -> None:
    """Waits until the orchestrator decides by this version of the hub's policy."""
    async with asyncio.timeout(90):
        while True:
            await answer_to(person, agent.jid, "hello")
            _, _, decided = (await answer_to(person, agent.jid, "/why")).partition("newest first:\n")
            if f"policy hub:{version}:" in decided.splitlines()[0]:
                return
            await asyncio.sleep(1)  # the hub reads its policy again every 2 s, and takes 20 messages a minute


async def test_four_eyes_need_another_person_who_may(tools: ToolHub) -> None:
    owner, agent = await tools.agent(HELD)
    colleague, member = await tools.hub.account(), await tools.hub.account()
    await join(tools, (owner, "owner"), (colleague, "approver"), (member, "member"))
    async with tools.hub.commands() as hub:
        published = await policies.publish(hub, OPERATOR, PolicyText(text=FOUR_EYES))
    assert not isinstance(published, Refused)
    try:
        async with online(tools.hub, owner) as person, online(tools.hub, colleague) as other:
            await heard_of(person, agent, published.version)
            file, name = await held(tools, person, agent)
            assert name in await heard(other, "Approval ")
            assert "Another person" in await answer_to(person, agent.jid, f"/approve {name}")
            assert await waiting(tools, member) == []
            assert [one.name for one in await waiting(tools, colleague)] == [name]
            assert tools.lines(file) == []
            tools.model.script("It is written.")
            other.say(agent.jid, f"/approve {name}")
            assert await heard(other, "Approved: append_line")
            assert await heard(person, "It is written.")
            await written(tools, file, ["hello"])
    finally:
        async with tools.hub.commands() as hub:
            assert not isinstance(await policies.rollback(hub, OPERATOR, WhichVersion(version=1)), Refused)


async def outcome(tools: ToolHub, known: str, column: str = "message_id") -> str:
    """What became of a message, once it is known."""
    async with asyncio.timeout(60), superuser(tools.hub) as connection:
        while True:
            found = await connection.fetchval(f"SELECT outcome FROM inbox WHERE {column} = $1", known)  # noqa: S608
            if found is not None:
                return str(found)
            await asyncio.sleep(0.1)


@asynccontextmanager
async def no_policy(tools: ToolHub) -> AsyncIterator[None]:
    """As if nobody had ever made one."""
    async with superuser(tools.hub) as connection:
        await connection.execute("DELETE FROM active_policies WHERE scope = $1", HUB_OWNER)
        try:
            yield
        finally:
            await connection.execute("INSERT INTO active_policies VALUES ($1, 1, now())", HUB_OWNER)
            # From then on no process decides by what it read before: neither the gateway nor the orchestrator.
            await asyncio.sleep(FRESH_S + 0.1)


@asynccontextmanager
async def no_redis(tools: ToolHub) -> AsyncIterator[None]:
    """It is there, and answers nobody."""
    redis = tools.hub.pids()["redis"]
    os.kill(redis, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(redis, signal.SIGCONT)


def everything(_tools: ToolHub) -> AbstractAsyncContextManager[None]:
    """Nothing is taken away."""
    return nullcontext()


Told = tuple[int, str]
"""Status and code of an answer over HTTP; the code is empty for what was taken."""


@dataclass
class Doors:
    """An owner who asks at both doors, and an approval of theirs that waits."""

    tools: ToolHub
    person: Person
    script: httpx.AsyncClient
    owner: Account
    agent: AgentCreated
    file: str
    name: str

    @classmethod
    @asynccontextmanager
    async def open(cls, tools: ToolHub) -> AsyncIterator[Doors]:
        owner, agent = await tools.agent(HELD)
        async with online(tools.hub, owner) as person, signed_in(tools.hub, owner) as script:
            await heard_of(person, agent, 1)
            yield cls(tools, person, script, owner, agent, *await held(tools, person, agent))

    async def message(self) -> str:
        """What becomes of a message over XMPP."""
        return await outcome(self.tools, self.person.say(self.agent.jid, "hello"))

    async def posted(self) -> Told:
        """What becomes of one over HTTP: the answer, or the outcome of its turn."""
        answer = await self.script.post(f"/v1/agents/{self.agent.agent_id}/messages", json={"text": "hello"})
        if answer.status_code != 202:
            return told(answer)
        return 202, await outcome(self.tools, answer.json()["turn_id"], "turn_id::text")

    async def approved(self, one: Waiting) -> Told:
        """What becomes of a yes over HTTP."""
        return told(await self.script.post(f"/v1/approvals/{one.id}/approve", json={"digest": one.digest}))


def told(answer: httpx.Response) -> Told:
    return answer.status_code, answer.json().get("code", "")


async def without_policy(doors: Doors, away: Away) -> list[object]:
    """What the doors say of a message, of `/approve`, of a message and of a yes over HTTP."""
    (one,) = await waiting(doors.tools, doors.owner)
    async with away(doors.tools):
        if away is no_policy:
            async with asyncio.timeout(90):
                while await doors.message() != "NO_POLICY":
                    await asyncio.sleep(1)
        said = [await doors.message(), await doors.posted()]
        by_chat = await outcome(doors.tools, doors.person.say(doors.agent.jid, f"/approve {doors.name[:5]}ffff"))
        return [*said, by_chat, await doors.approved(one)]


@pytest.mark.timeout(300)
async def test_without_a_policy_no_door_lets_anything_in(tools: ToolHub) -> None:
    async with Doors.open(tools) as doors:
        said = await without_policy(doors, no_policy)
        assert said == ["NO_POLICY", (202, "NO_POLICY"), "NO_POLICY", (503, "NO_POLICY")]
        assert (await waiting(tools, doors.owner))[0].state == "pending"
    assert tools.lines(doors.file) == []


@pytest.mark.control
async def test_control_with_a_policy_the_same_doors_let_in(tools: ToolHub) -> None:
    async with Doors.open(tools) as doors:
        said = await without_policy(doors, everything)
        assert said == ["answered", (202, "answered"), "answered", (200, "")]
        await written(tools, doors.file, ["hello"])


async def without_redis(doors: Doors, away: Away) -> list[object]:
    """What the doors say of a message, and over HTTP of one and of a yes; then `/approve` in the chat."""
    (one,) = await waiting(doors.tools, doors.owner)
    async with away(doors.tools):
        # What cannot be counted is not taken over HTTP; the chat takes it, and the call it grants finds no budget.
        asking = [doors.message(), doors.posted(), *([doors.approved(one)] if away is no_redis else [])]
        said: list[object] = list(await asyncio.gather(*asking))
        doors.person.say(doors.agent.jid, f"/approve {doors.name}")
        assert await heard(doors.person, "Approved: append_line")
        said.append(await outcome(doors.tools, str(resumed_turn(one.id)), "turn_id::text"))
    return said


@pytest.mark.timeout(300)
async def test_while_redis_is_away_nothing_is_spent_and_nothing_approved_runs(tools: ToolHub) -> None:
    async with Doors.open(tools) as doors:
        asked = tools.model.count
        said = await without_redis(doors, no_redis)
        assert said == ["QUOTA_UNAVAILABLE", (503, "HUB_BUSY"), (503, "HUB_BUSY"), "QUOTA_UNAVAILABLE"]
        assert (await waiting(tools, doors.owner))[0].state == "granted"
    assert (tools.model.count, tools.lines(doors.file)) == (asked, [])


@pytest.mark.control
async def test_control_with_redis_it_is_spent_and_runs(tools: ToolHub) -> None:
    async with Doors.open(tools) as doors:
        assert await without_redis(doors, everything) == ["answered", (202, "answered"), "answered"]
        await written(tools, doors.file, ["hello"])


def rounds_of(asked: dict[str, Any]) -> list[tuple[str, str]]:
    """What a model is shown of calls before: their arguments, and how each ended."""
    calls = [call["function"]["arguments"] for one in asked["messages"] for call in one.get("tool_calls") or ()]
    ends = [json.loads(one["content"])["status"] for one in asked["messages"] if one["role"] == "tool"]
    return list(zip(calls, ends, strict=True))


async def test_an_approval_survives_a_restart_of_everything_and_its_turn_goes_on_where_it_was(tools: ToolHub) -> None:
    """With the version that it began with, though another one was published while it waited."""
    owner, agent = await tools.agent(HELD)
    which, later = WhichAgent(agent_id=agent.agent_id), "You are another one now."
    async with online(tools.hub, owner) as person:
        await heard_of(person, agent, 1)
        tools.model.script(Scripted("", calls=({"name": "append_line", "arguments": "{}"},)))
        file, name = await held(tools, person, agent)
    async with tools.hub.commands() as hub:
        patch = PatchAgent.model_validate(
            {"agent_id": agent.agent_id, "profile": {"system_prompt": later}, "tools": []}
        )
        assert not isinstance(await update(hub, owner.actor, patch), Refused)
        assert not isinstance(await publish_agent.publish(hub, owner.actor, which), Refused)
    await tools.hub.stop()
    await tools.hub.start()
    async with online(tools.hub, owner) as person:
        tools.model.script("It is written.")
        asked = tools.model.count
        assert (await answer_to(person, agent.jid, f"/approve {name}")).startswith("Approved")
        assert await heard(person, "It is written.")
        assert tools.model.count == asked + 1
        going_on = tools.model.asked[-1]
        assert await answer_to(person, agent.jid, "hello") == "echo: hello"
    await written(tools, file, ["hello"])
    assert [end for _, end in rounds_of(going_on)] == ["invalid", "done"]
    assert later not in going_on["messages"][0]["content"]
    assert later in tools.model.asked[-1]["messages"][0]["content"]
    async with superuser(tools.hub) as connection:
        used = await connection.fetch(
            "SELECT agent_version_id FROM executions WHERE agent_id = $1 ORDER BY created_at", agent.agent_id
        )
        kept = await connection.fetchrow(
            "SELECT arguments, message, transcript FROM approvals WHERE agent_id = $1", agent.agent_id
        )
    *before, last = [row["agent_version_id"] for row in used]
    assert set(before) == {agent.version_id} != {last}
    assert kept is not None
    assert set(kept.values()) == {None}, "what was used keeps no texts"
