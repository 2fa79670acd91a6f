"""`aiox policy try`: the operator is told what would happen, and nothing does."""

from __future__ import annotations

from uuid import uuid4

import pytest

from aiox.cli import policy as shell
from aiox.cli.groups import policy as group
from aiox.cli.stack.trouble import CannotGoOn
from aiox.kernel.agent import AgentSpec, Profile, Tool
from aiox.kernel.ids import AgentId
from tests.stores import Stores


async def decisions(stores: Stores, actor: str) -> int:
    async with stores.superuser() as connection:
        return int(await connection.fetchval("SELECT count(*) FROM audit_logs WHERE actor = $1", actor))


async def test_what_would_happen_is_said_and_nothing_is_done(stores: Stores) -> None:
    settings, owner, stranger = stores.settings, await stores.account(), await stores.account()
    spec = AgentSpec(profile=Profile(name="Ada"), tools=(Tool(name="code_executor"),))
    agent = await stores.agent(owner, spec)
    mine = await shell.try_out(settings, owner.jid, "agent.invoke", agent, "xmpp")
    assert mine.startswith(f"{owner.jid}, owner of the thing, asks for agent.invoke. It is allowed.")
    theirs = await shell.try_out(settings, stranger.jid, "agent.invoke", agent, "")
    assert f"{stranger.jid}, none of the thing" in theirs
    assert "It is denied (ACCESS_DENIED)" in theirs
    assert "UNKNOWN_ACTION" in await shell.try_out(settings, owner.jid, "agent.explode", agent, "")
    tool = await shell.try_out(settings, owner.jid, "tool.call", agent, "", "code_executor")
    assert "asks for tool.call with the tool code_executor" in tool
    assert "It waits until" in tool, "what the agent's owner has set counts for the operator's question, too"
    none = await shell.try_out(settings, owner.jid, "tool.call", agent, "", "email_sender")
    assert "It is denied" in none
    assert [await decisions(stores, one.jid) for one in (owner, stranger)] == [0, 0]


@pytest.mark.parametrize(("who", "channel"), [("nobody in particular", ""), ("ada@localhost", "pigeon")])
async def test_a_question_without_sense_is_refused_with_its_mend(stores: Stores, who: str, channel: str) -> None:
    with pytest.raises(CannotGoOn, match="Mend: aiox policy try"):
        await shell.try_out(stores.settings, who, "agent.invoke", None, channel)


async def test_an_agent_that_is_not_there_is_nobodys(stores: Stores) -> None:
    owner = await stores.account()
    told = await shell.try_out(stores.settings, owner.jid, "agent.invoke", AgentId(uuid4()), "")
    assert "It is denied" in told


def test_the_words_at_the_shell_reach_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    async def keep(_settings: object, *question: object) -> str:
        asked.extend(question)
        return "said"

    monkeypatch.setattr(shell, "try_out", keep)
    agent = uuid4()
    group.policy_try("ada@localhost", "tool.call", agent, "http", "email_sender")
    assert asked == ["ada@localhost", "tool.call", agent, "http", "email_sender"]
