"""Every crash point of docs/durability.md is tried: the process dies right there, and afterwards every claim holds."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from aiox.runtime.crash import CrashPoint
from bench.people import people
from bench.stub_model import Scripted
from tests.chaos.checker import summary
from tests.chaos.keeper import Keeper
from tests.chaos.readers import superuser
from tests.chaos.traffic import Traffic, joined, traffic

MESSAGES = 6
DIES_S = 60.0
"""Within this time after the messages were sent the process must have died: else nothing calls the hook there."""

NEEDS_A_FACT = {CrashPoint.BEFORE_FACT, CrashPoint.AFTER_FACT}
NEEDS_A_TOOL = {CrashPoint.AFTER_TOOL_STARTED, CrashPoint.AFTER_EFFECT}


def service_of(point: CrashPoint) -> str:
    """Which process dies there."""
    return point.value.split(":")[0]


def sent_to(point: CrashPoint) -> dict[str, str]:
    """The environment of a process that dies there, at a message that says so."""
    return {"AIOX_CRASH__POINT": point.name, "AIOX_CRASH__TEXT": f"crash-{point.name}."}


POINTS = sorted((point for point in CrashPoint if point not in NEEDS_A_TOOL), key=service_of)
"""Those of one process one after the other: what is started in the place of the dead is sent to the next point."""
FOLLOWING = {one: other for one, other in pairwise(POINTS) if service_of(one) == service_of(other)}


@pytest.fixture(scope="module")
async def calm() -> AsyncIterator[Traffic]:
    """A hub with few people, of which one process after the other is sent to its crash point."""
    async with traffic(5, clients=3, conversations=6) as running:
        yield running


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
async def test_nothing_is_lost_or_doubled_by_a_death(calm: Traffic, point: CrashPoint) -> None:
    keeper, service = calm.keeper, service_of(point)
    word = f"crash-{point.name}."
    if point in NEEDS_A_FACT:
        word += " Remember that the boat is called"
    await keeper.arm(service, sent_to(point))
    if point in FOLLOWING:
        keeper.then(service, sent_to(FOLLOWING[point]))
    keeper.expect_death(service)
    await calm.volley(list(CrashPoint).index(point), MESSAGES, 0.5, word)
    assert await keeper.until_dead(service, DIES_S), f"nothing calls the hook at {point.name}"
    await keeper.whole()
    assert await calm.settled(), f"unfinished after all: {await calm.open_work()}"
    violations = await calm.violations()
    assert not violations, summary(violations)
    assert keeper.surprises == []


@pytest.fixture
async def handy(calm: Traffic, tmp_path: Path) -> AsyncIterator[Traffic]:
    """Somebody whose agent may append lines to files in a folder, without asking a person first."""
    calm.keeper.environment["AIOX_TOOLS__TEST_FOLDER"] = str(tmp_path)
    tools = [{"name": "append_line", "policy": {"requires_approval": False}}]
    await calm.keeper.replace("ai_worker")
    await calm.keeper.replace("orchestrator")
    name = f"handy{uuid4().hex[:6]}"
    async with joined(calm.keeper, calm.model, 5, 1, 1, name, tools=tools) as running:
        yield running


@pytest.mark.parametrize(
    ("point", "lines"),
    [(CrashPoint.AFTER_TOOL_STARTED, []), (CrashPoint.AFTER_EFFECT, ["once"])],
    ids=["started", "effect"],
)
async def test_a_tool_is_never_run_again_in_silence(
    handy: Traffic, tmp_path: Path, point: CrashPoint, lines: list[str]
) -> None:
    keeper, service = handy.keeper, service_of(point)
    await keeper.replace(service, AIOX_CRASH__POINT=point.name, AIOX_CRASH__TEXT="crash-here")
    keeper.expect_death(service)
    arguments = json.dumps({"line": "once", "file": "notes"})
    handy.model.script(Scripted("", calls=({"name": "append_line", "arguments": arguments},)))
    person = handy.crowd.people[0]
    person.say(str(uuid4()), handy.people[0].agents[0], "write once, crash-here", person.now())
    assert await keeper.until_dead(service, DIES_S), f"nothing calls the hook at {point.name}"
    await keeper.whole()
    assert await handy.settled(), f"unfinished after all: {await handy.open_work()}"
    violations = await handy.violations()
    assert not violations, summary(violations)
    notes = tmp_path / "notes"
    assert (notes.read_text().splitlines() if notes.exists() else []) == lines
    assert any("append_line: unknown" in text for _, text in person.journal.stanzas)
    assert keeper.surprises == []


async def test_what_an_asked_agent_had_begun_is_unknown_too(handy: Traffic, tmp_path: Path) -> None:
    """The other agent belongs to somebody else: its owner's ledger has the end of the call as well."""
    keeper, model = handy.keeper, handy.model
    point = CrashPoint.AFTER_TOOL_STARTED
    asks = [{"name": "ask_agent", "policy": {}}]
    tools = [{"name": "append_line", "policy": {"requires_approval": False}}]
    name = uuid4().hex[:6]
    [other] = await people(keeper.home, keeper.settings, 1, 1, f"other{name}", tools=tools, visibility="public")
    async with joined(keeper, model, 5, 1, 1, f"asks{name}", tools=asks) as running:
        await keeper.replace("orchestrator", AIOX_CRASH__POINT=point.name, AIOX_CRASH__TEXT="crash-here")
        keeper.expect_death("orchestrator")
        question = json.dumps({"to": other.agent, "message": "write once, crash-here"})
        line = json.dumps({"line": "once", "file": "notes"})
        model.script(
            Scripted("", calls=({"name": "ask_agent", "arguments": question},)),
            Scripted("", calls=({"name": "append_line", "arguments": line},)),
        )
        person = running.crowd.people[0]
        person.say(str(uuid4()), running.people[0].agents[0], "have it written", person.now())
        assert await keeper.until_dead("orchestrator", DIES_S), "the other agent's call does not come to the hook"
        await keeper.whole()
        assert await running.settled(), f"unfinished after all: {await running.open_work()}"
    [told] = [text for _, text in person.journal.stanzas if "interrupted" in text]
    assert "- ask_agent: unknown" in told
    assert "- append_line, by an agent that was asked: unknown" in told
    assert not (tmp_path / "notes").exists()
    assert await ends(keeper, other.owner) == [("append_line", "unknown", "tool.done")]
    assert keeper.surprises == []


async def ends(keeper: Keeper, owner: UUID) -> list[tuple[str, str, str]]:
    """Tool, state, and the last event on record of each call of an owner's agents."""
    async with superuser(keeper.home, keeper.settings) as connection:
        rows = await connection.fetch(
            "SELECT c.tool_name, c.state, (SELECT a.event_type FROM aiox.audit_logs a WHERE a.owner_user_id = $1"
            " AND a.details ->> 'call_id' = c.id::text ORDER BY a.seq DESC LIMIT 1) AS event"
            " FROM aiox.tool_calls c WHERE c.owner_user_id = $1",
            owner,
        )
    return [(row["tool_name"], row["state"], row["event"]) for row in rows]
