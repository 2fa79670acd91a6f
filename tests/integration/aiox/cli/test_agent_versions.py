"""`aiox agent draft|discard|version|executions|edit --whole`: what the API shows of drafts, versions and turns."""

from __future__ import annotations

from functools import partial
from uuid import uuid4

import pytest

from aiox.cli import agent_versions
from aiox.cli.agents import Work, create, edit, replace, settings_of, with_agent
from aiox.cli.stack.trouble import CannotGoOn
from tests.stores import NOW, Stores

SECRET = "the colour of the harbour wall"


async def test_a_draft_is_looked_at_replaced_and_thrown_away(stores: Stores) -> None:
    owner = (await stores.account()).jid

    async def work(one: Work) -> str:
        return await with_agent(stores.settings, owner, "ada", one)

    given = {"profile": {"name": "Ada", "system_prompt": SECRET}, "capabilities": {"domain_tags": ["harbour"]}}
    await create(stores.settings, owner, "", None, given)
    with pytest.raises(CannotGoOn, match="no draft"):
        await work(agent_versions.draft)
    await work(partial(edit, patch=settings_of(["llm_config.temperature=0.9"])))
    shown = await work(agent_versions.draft)
    assert '"temperature": 0.9' in shown
    assert '"harbour"' in shown
    assert f"{len(SECRET)} characters" in shown
    assert SECRET not in shown
    await work(partial(replace, given={"profile": {"name": "Ada"}}))
    whole = await work(agent_versions.draft)
    assert '"temperature": 0.7' in whole, "what is not given is back at its default"
    assert '"harbour"' not in whole
    assert "version 1 is active as before" in await work(agent_versions.discarded)
    with pytest.raises(CannotGoOn, match="no draft"):
        await work(agent_versions.discarded)
    version = await work(partial(agent_versions.version, number=1))
    assert '"harbour"' in version
    assert SECRET not in version
    with pytest.raises(CannotGoOn):
        await work(partial(agent_versions.version, number=2))


async def test_turns_are_figures_without_words(stores: Stores) -> None:
    actor = await stores.account()
    agent, turn = await stores.agent(actor), uuid4()
    list_turns = partial(agent_versions.executions, limit=50)
    assert "not asked anything" in await with_agent(stores.settings, actor.jid, "ada", list_turns)
    async with stores.superuser() as connection:
        await connection.execute(
            "INSERT INTO executions (id, owner_user_id, agent_id, subject_jid, outcome, tokens_used, tools_called,"
            " worker_id, duration_ms, platform_latency_ms, worker_latency_ms, scoring, correlation_id, created_at)"
            " VALUES ($1, $2, $3, 'eve@localhost', 'answered', 7, '[]', 'w', 1, 12, 840, '{}', $4, $5)",
            *(turn, actor.owner, agent, uuid4(), NOW),
        )
    (line,) = (await with_agent(stores.settings, actor.jid, "ada", list_turns)).splitlines()
    assert line.split()[0] == str(turn)
    for said in ("answered", "7 tokens", "12 + 840 ms", "eve@localhost"):
        assert said in line
