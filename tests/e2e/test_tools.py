"""A tool's effect happens once; when nobody knows whether it did, the person is told and nothing is repeated."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from aiox.cli.stack.processes import Process, Program
from aiox.commands.create_agent import AgentCreated
from aiox.runtime.settings import environment
from policy.ledger import Fault
from registry import ledger
from tests.e2e.people import answer_to, online
from tests.e2e.tool_hub import HELD, ToolHub, appends, tool_hub

MARK = "die-with-this"


@pytest.fixture(scope="module")
async def tools() -> AsyncIterator[ToolHub]:
    async with tool_hub(AIOX_CRASH__POINT="AFTER_EFFECT", AIOX_CRASH__TEXT=MARK) as running:
        yield running


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
