"""A tool's effect happens once; when nobody knows whether it did, the person is told and nothing is repeated."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest

from aiox.cli.stack.processes import Process, Program
from aiox.commands import credentials, mcp_servers
from aiox.commands.create_agent import AgentCreated
from aiox.commands.hub import Hub
from aiox.commands.mcp_servers import ApproveTool, ToolShown, WhichAgentsServers, WhichServer
from aiox.kernel.outcome import Refused
from aiox.runtime.settings import environment
from bench.stub_model import Scripted
from policy.ledger import Fault
from registry import ledger
from tests.e2e.people import ROOMY, ROOMY_ACCOUNT, answer_to, body_of, online
from tests.e2e.tool_hub import HELD, ToolHub, appends, tool_hub
from tests.security.ai_worker.tools.mail_server import Letters, mail_server
from tests.security.ai_worker.tools.mcp.meeting import CODE
from tests.stack import Account

MARK = "die-with-this"


FREELY: dict[str, object] = {"requires_approval": False}
LITTLE: dict[str, object] = {
    "name": "little",
    "transport": "stdio",
    "command": ["python3", "/code/servers/little_server.py"],
    "allowed_tools": ["add"],
    "policy": FREELY,
}


@dataclass(frozen=True)
class World(ToolHub):
    """Beside the hub: a mail server, and a folder that decides what the little MCP server says of itself."""

    letters: Letters
    forms: Path


@pytest.fixture(scope="module")
async def tools() -> AsyncIterator[World]:
    with TemporaryDirectory(prefix="aiox-test-") as forms:
        Path(forms).chmod(0o755)  # noqa: ASYNC240 -- a fixture has time
        async with mail_server() as letters:
            given = {
                "AIOX_CRASH__POINT": "AFTER_EFFECT",
                "AIOX_CRASH__TEXT": MARK,
                "AIOX_TOOLS__MCP_CODE": json.dumps({name: str(path) for name, path in CODE.items()} | {"forms": forms}),
                "AIOX_TOOLS__INTERNAL": json.dumps([f"127.0.0.1:{letters.port}"]),
            }
            async with tool_hub(**given) as hub:
                yield World(**vars(hub), letters=letters, forms=Path(forms))


async def test_a_tool_runs_once_and_its_result_reaches_the_model(tools: ToolHub) -> None:
    owner, agent = await tools.agent()
    name = uuid4().hex
    async with online(tools.hub, owner) as person:
        tools.model.script(appends(name, "hello"), "It is written.")
        assert await answer_to(person, agent.jid, "write hello") == "It is written."
    assert tools.lines(name) == ["hello"]
    *_, called, result = tools.model.asked[-1]["messages"]
    assert called["tool_calls"][0]["function"]["name"] == "append_line"
    shown = json.loads(result["content"])
    assert (shown["status"], shown["untrusted_result"]) == ("done", "The file has 1 lines now.")
    assert await tools.calls(agent) == [("append_line", "done")]
    async with tools.hub.commands() as commands:
        events = await commands.pool.fetch(
            "SELECT event_type FROM ledger_read(0, 100000) WHERE details ->> 'agent_id' = $1"
            " AND event_type LIKE 'tool.%' ORDER BY seq",
            str(agent.agent_id),
        )
        assert [row["event_type"] for row in events] == ["tool.started", "tool.done"]
        assert not isinstance(await ledger.verify_chain(commands.pool), Fault)


async def test_a_tool_that_needs_an_approval_is_not_run(tools: ToolHub) -> None:
    owner, agent = await tools.agent(HELD)
    name = uuid4().hex
    async with online(tools.hub, owner) as person:
        tools.model.script(appends(name, "hello"), "I may not yet.")
        told = await answer_to(person, agent.jid, "write hello")
    assert told.startswith("I may not yet.\n\nApproval ")
    assert tools.lines(name) == []
    assert json.loads(tools.model.asked[-1]["messages"][-1]["content"])["status"] == "held"
    assert await tools.calls(agent) == []


async def test_a_model_that_calls_on_and_on_is_stopped_after_eight(tools: ToolHub) -> None:
    owner, agent = await tools.agent()
    name = uuid4().hex
    async with online(tools.hub, owner) as person:
        tools.model.script(*[appends(name, str(number)) for number in range(8)], "Enough.")
        assert await answer_to(person, agent.jid, "write for ever") == "Enough."
    assert tools.lines(name) == [str(number) for number in range(8)]
    assert "tools" not in tools.model.asked[-1]


async def test_a_tool_of_an_mcp_server_is_called_until_it_changes(tools: World) -> None:
    owner = await tools.hub.account(quota=ROOMY_ACCOUNT)
    agent = await tools.hub.agent(owner, governance=ROOMY, mcp_servers=[LITTLE])
    which = {"agent_id": agent.agent_id, "server": "little"}
    add = Scripted("", calls=({"name": "little__add", "arguments": '{"a": 20, "b": 22}'},))
    async with asyncio.timeout(110), online(tools.hub, owner) as person, tools.hub.commands() as commands:
        assert await answer_to(person, agent.jid, "what can you do?") == "echo: what can you do?"
        assert "tools" not in tools.model.asked[-1]
        assert not isinstance(await mcp_servers.look(commands, owner.actor, WhichServer.model_validate(which)), Refused)
        seen = await _looked_at(commands, owner, agent, "new")
        fields = ApproveTool.model_validate({**which, "tool": "add", "digest": seen.digest})
        assert not isinstance(await mcp_servers.approve(commands, owner.actor, fields), Refused)
        tools.model.script(add, "It is 42.")
        assert await answer_to(person, agent.jid, "add") == "It is 42."
        shown = json.loads(tools.model.asked[-1]["messages"][-1]["content"])
        assert (shown["status"], shown["untrusted_result"]) == ("done", "42")
        (tools.forms / "form").write_text("changed")
        (tools.forms / "form").chmod(0o644)
        tools.model.script(add, "It could not be called.")
        assert await answer_to(person, agent.jid, "add again") == "It could not be called."
        shown = json.loads(tools.model.asked[-1]["messages"][-1]["content"])
        assert shown["status"] == "failed"
        assert "not what its owner has approved" in shown["untrusted_result"]
        await person.until(lambda one: "little has changed add since you approved it" in body_of(one))
        await _looked_at(commands, owner, agent, "changed")
        assert await answer_to(person, agent.jid, "and now?") == "echo: and now?"
        assert "tools" not in tools.model.asked[-1]
    assert await tools.calls(agent) == [("little__add", "done"), ("little__add", "failed")]


async def _looked_at(commands: Hub, owner: Account, agent: AgentCreated, standing: str) -> ToolShown:
    """The little server's tool, once it was seen and stands so."""
    while True:
        found = await mcp_servers.list_all(commands, owner.actor, WhichAgentsServers(agent_id=agent.agent_id))
        assert not isinstance(found, Refused), found
        (tool,) = [one for one in found[0].tools if one.tool == "add"]
        if found[0].state == "ready" and tool.standing == standing:
            return tool
        assert found[0].state != "failed", found[0].error
        await asyncio.sleep(0.1)


async def _killed_after_its_effect(tools: ToolHub) -> tuple[str, str, AgentCreated]:
    """What the person is told, the file's name, and the agent, when the worker dies between effect and report."""
    owner, agent = await tools.agent()
    name = uuid4().hex
    async with online(tools.hub, owner) as person:
        tools.model.script(appends(name, "once"))
        told = await answer_to(person, agent.jid, f"write once, {MARK}")
    return told, name, agent


async def test_when_the_worker_dies_between_effect_and_report_the_person_is_told(tools: ToolHub) -> None:
    told, name, agent = await _killed_after_its_effect(tools)
    assert "append_line: unknown" in told
    assert "Nothing was repeated" in told
    assert tools.lines(name) == ["once"]
    assert await tools.calls(agent) == [("append_line", "unknown")]
    owner, other = await tools.agent()
    async with asyncio.timeout(60), online(tools.hub, owner) as person:
        assert await answer_to(person, other.jid, "are you back?") == "echo: are you back?"


@pytest.mark.control
async def test_without_the_record_the_effect_is_there_twice(tools: ToolHub) -> None:
    """The hub's own orchestrator stands still; one that forgets its tool calls takes over."""
    owner, agent = await tools.agent()
    name = uuid4().hex
    program = Program(
        name="forgetful",
        title="forgetful orchestrator",
        command=(sys.executable, "-m", "tests.e2e.forgetful_orchestrator"),
        environment={**environment(tools.hub.home.root), **tools.given},
        stop_signal=signal.SIGKILL,
    )
    own = tools.hub.pids()["orchestrator"]
    os.kill(own, signal.SIGSTOP)
    forgetful = await Process.start(program, tools.hub.home.log_file("forgetful"))
    try:
        async with asyncio.timeout(60), online(tools.hub, owner) as person:
            tools.model.script(appends(name, "once"), appends(name, "once"), "Done.")
            person.say(agent.jid, f"write once, {MARK}")
            while len(tools.lines(name)) < 2:
                await asyncio.sleep(0.1)
    finally:
        await forgetful.stop()
        os.kill(own, signal.SIGCONT)
    assert tools.lines(name)[:2] == ["once", "once"]
    assert await tools.calls(agent) == []


async def test_a_letter_that_went_out_before_the_worker_died_is_not_sent_again(tools: World) -> None:
    """The same with a tool of the kit, whose effect is outside the hub: a letter."""
    owner, agent = await tools.agent([{"name": "email_sender", "policy": FREELY}])
    async with tools.hub.commands() as commands:
        secret = f"smtp://127.0.0.1:{tools.letters.port}/?from=agent@hub.example"
        fields = {"kind": "smtp", "provider": "mail", "mode": "custom", "secret": secret}
        put = await credentials.put(commands, owner.actor, credentials.PutCredential.model_validate(fields))
        assert not isinstance(put, Refused), put
    letter = json.dumps({"to": ["friend@example.org"], "subject": "Hello", "body": "Once."})
    async with asyncio.timeout(100), online(tools.hub, owner) as person:
        tools.model.script(Scripted("", calls=({"name": "email_sender", "arguments": letter},)))
        told = await answer_to(person, agent.jid, f"write to my friend, {MARK}")
    assert "email_sender: unknown" in told
    assert "Nothing was repeated" in told
    assert [to for to, _ in tools.letters.got] == [["friend@example.org"]]
    assert await tools.calls(agent) == [("email_sender", "unknown")]
