"""What lies on disk is searched for planted system prompts, credentials and texts: database, logs, traces."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest

from aiox.cli.stack import postgres
from aiox.cli.stack.postgres import DATABASE, XMPP_DATABASE, binary
from aiox.cli.stack.processes import BARE_ENVIRONMENT, run
from aiox.commands import credentials
from aiox.commands.credentials import CredentialShown, PutCredential
from setup.prove import note
from tests.e2e.left_behind import content_of
from tests.e2e.people import ROOMY_ACCOUNT, answer_to, online, teach
from tests.stack import Account, RunningHub

TURNS_EACH: Final = 15
"""Of one person, below what an address may send in a minute."""


@dataclass
class Planted:
    """Markers by kind. `texts` are said in chats; `known` stands in a document, which is clear by design."""

    prompts: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    known: str = ""

    @property
    def secret(self) -> list[str]:
        """What must be nowhere in clear."""
        return [*self.prompts, *self.keys, *self.texts]


def marker(kind: str) -> str:
    return f"planted{kind}{uuid4().hex}"


async def plant(hub: RunningHub, count: int) -> Planted:
    """`count` of each kind, through the hub's own doors."""
    planted = Planted(known=marker("document"))
    people = [await hub.account(quota=ROOMY_ACCOUNT) for _ in range(-(-count // TURNS_EACH))]
    for person in people:
        await _plant_for(hub, person, planted)
    agent = await hub.agent(people[0])
    await teach(hub, people[0], agent.agent_id, "known.md", f"The password of the harbour is {planted.known}.")
    assert min(map(len, (planted.prompts, planted.keys, planted.texts))) >= count
    return planted


async def _plant_for(hub: RunningHub, person: Account, planted: Planted) -> None:
    agents = []
    for _ in range(TURNS_EACH):
        planted.prompts.append(marker("prompt"))
        agents.append(await hub.agent(person, system_prompt=f"Never say {planted.prompts[-1]} to anybody."))
        planted.keys.append(marker("key"))
        await _put_key(hub, person, planted.keys[-1])
    async with online(hub, person) as client:
        for agent in agents:
            planted.texts.append(marker("text"))
            assert await answer_to(client, agent.jid, f"Please think about {planted.texts[-1]} for me")


async def _put_key(hub: RunningHub, person: Account, key: str) -> None:
    said = {"kind": "llm", "provider": f"p{uuid4().hex}", "mode": "custom", "secret": key}
    async with hub.commands() as commands:
        stored = await credentials.put(commands, person.actor, PutCredential.model_validate(said))
    assert isinstance(stored, CredentialShown), stored


async def dump(hub: RunningHub, database: str) -> bytes:
    """All rows, as somebody with a backup reads them."""
    password = hub.home.secrets("stack").read("postgres")
    where = ("--host=127.0.0.1", f"--port={hub.settings.ports.postgres}", "--username=postgres", f"--dbname={database}")
    return (await run(binary("pg_dump"), *where, environment={**BARE_ENVIRONMENT, "PGPASSWORD": password})).encode()


def written(folder: Path) -> bytes:
    return b"".join(content_of(path) for path in sorted(folder.rglob("*")) if path.is_file())


def found(markers: list[str], where: bytes) -> list[str]:
    """Markers that stand there, as text, in hex (as bytea is dumped) or in base64."""

    def forms(one: str) -> tuple[bytes, ...]:
        return one.encode(), one.encode().hex().encode(), base64.b64encode(one.encode())[:-4]

    return [one for one in markers if any(form in where for form in forms(one))]


async def until_sent(hub: RunningHub) -> None:
    """An answer stands in the outbox in clear until the XMPP server has it (docs/security.md)."""
    ask = "SELECT EXISTS (SELECT FROM aiox.outbox WHERE envelope IS NOT NULL)"
    async with asyncio.timeout(60):
        while await postgres.sql(hub.home, hub.settings.ports.postgres, DATABASE, ask) != "f":
            await asyncio.sleep(0.2)


async def search(hub: RunningHub, count: int) -> dict[str, int]:
    """Plants, dumps, searches. Returns the sizes of what was searched, in bytes."""
    planted = await plant(hub, count)
    await until_sent(hub)
    ours, theirs = await dump(hub, DATABASE), await dump(hub, XMPP_DATABASE)
    logs, traces = written(hub.home.logs), written(hub.home.traces)
    assert [found(planted.secret, where) for where in (ours, logs, traces)] == [[], [], []]
    assert found([*planted.prompts, *planted.keys], theirs) == []
    # The search finds what is there: documents and the XMPP server's archive are clear by design, and documented so.
    assert found([planted.known], ours) == [planted.known]
    assert found(planted.texts, theirs) == planted.texts
    assert min(len(logs), len(traces)) > 0
    return {"dumps": len(ours) + len(theirs), "logs": len(logs), "traces": len(traces)}


async def test_thirty_of_each_are_found_nowhere(hub: RunningHub) -> None:
    await search(hub, 30)


@pytest.mark.prove
async def test_a_thousand_of_each_are_found_nowhere(hub: RunningHub) -> None:
    sizes = await search(hub, 1000)
    note(f"1,000 prompts, keys and texts planted; 0 found in {sizes}")
