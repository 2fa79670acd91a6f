"""`aiox agent`: the whole life of an agent from the shell, in an account's name, without its prompt being shown."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from aiox.cli import agent_reports
from aiox.cli.agents import Work, both, create, edit, read_file, settings_of, with_agent
from aiox.cli.stack.trouble import CannotGoOn
from tests.stores import Stores

SECRET = "the colour of the harbour wall"


class Shell:
    """Commands on one account's agents."""

    def __init__(self, stores: Stores, owner: str) -> None:
        self.stores, self.owner = stores, owner

    async def work(self, named: str, work: Work, *, deleted: bool = False) -> str:
        return await with_agent(self.stores.settings, self.owner, named, work, deleted=deleted)

    async def make(self, **given: object) -> str:
        return await create(self.stores.settings, self.owner, "", None, {"profile": {"name": "Ada"}, **given})


@pytest.fixture
async def shell(stores: Stores) -> Shell:
    actor = await stores.account()
    return Shell(stores, f"{actor.owner}@example.org")


async def test_an_agents_life(stores: Stores, shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(f'[profile]\nsystem_prompt = "{SECRET}"\n[governance]\nmax_concurrent = 2\n')
    made = await create(stores.settings, shell.owner, "support", file, {"profile": {"name": "Desk"}})
    assert "answers at agent-" in made
    shown = await shell.work("desk", agent_reports.shown)
    assert f"{len(SECRET)} characters" in shown
    assert SECRET not in shown
    assert '"max_concurrent": 2' in shown
    assert '"support"' in shown
    patch = settings_of(["llm_config.temperature=0.9", "profile.description=at the door"])
    assert "version 1 is still active" in await shell.work("desk", partial(edit, patch=patch))
    difference = await shell.work("desk", partial(agent_reports.difference, before="active", after="draft"))
    assert "/llm_config/temperature: 0.3 -> 0.9" in difference
    assert "version 2 is active" in await shell.work("desk", agent_reports.published)
    assert "version 1 is active" in await shell.work("desk", partial(agent_reports.rolled_back, version=1))
    versions = (await shell.work("desk", agent_reports.versions)).splitlines()
    assert [line.split()[:2] for line in versions] == [["2", versions[0].split()[1]], ["*", "1"]]
    assert "counts once" in await shell.work("desk", partial(agent_reports.granted, grantee="peer.example", back=False))
    assert "unknown to everyone" in await shell.work("desk", agent_reports.deleted)
    assert "no agents" in await agent_reports.listed(stores.settings, shell.owner, deleted=False)
    assert "deleted 20" in await agent_reports.listed(stores.settings, shell.owner, deleted=True)
    assert "is back" in await shell.work("desk", agent_reports.restored, deleted=True)
    assert "version 1, private" in await agent_reports.listed(stores.settings, shell.owner, deleted=False)
    await shell.work("desk", agent_reports.deleted)
    assert "never used again" in await shell.work("desk", agent_reports.purged, deleted=True)


async def test_the_ledger_says_that_the_operator_did_it(stores: Stores, shell: Shell) -> None:
    await shell.make()
    async with stores.superuser() as connection:
        actors = await connection.fetch(
            "SELECT DISTINCT actor FROM audit_logs WHERE owner_user_id = $1", shell.owner.partition("@")[0]
        )
    assert [row["actor"] for row in actors] == ["operator@localhost"]


async def test_what_is_wrong_is_said_with_its_mend(stores: Stores, shell: Shell, tmp_path: Path) -> None:
    await shell.make()
    await shell.make()
    wrong = tmp_path / "agent.json"
    wrong.write_text("[]")
    for coroutine, said in (
        (shell.work("ada", agent_reports.shown), "several agents"),
        (shell.work("nobody", agent_reports.shown), "no agent is"),
        (create(stores.settings, shell.owner, "nothing", None, {}), "no template"),
        (create(stores.settings, "eve@nowhere", "", None, {}), "no account"),
        (shell.make(alias="admin"), "reserved"),
        (shell.make(llm_config={"temperature": 9}), "llm_config.temperature"),
    ):
        with pytest.raises(CannotGoOn, match=said):
            await coroutine
    with pytest.raises(CannotGoOn, match="no object"):
        read_file(wrong)
    with pytest.raises(CannotGoOn, match="sets nothing"):
        settings_of(["temperature"])


def test_assignments_become_a_patch_in_which_null_stays() -> None:
    patch = both({"profile": {"name": "Ada"}}, settings_of(["profile.name=Eve", "governance=null", "tools=[]"]))
    assert patch == {"profile": {"name": "Eve"}, "governance": None, "tools": []}
