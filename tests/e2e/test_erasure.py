"""A person is erased while they, and others, go on talking: nothing of theirs is readable afterwards.

Searched are both databases, the files and logs under AIOX_HOME, the object store, and the caches. Left out are the
stores' own files, in which deleted rows and messages lie until they are written over (docs/security.md), and the
ledger, which keeps ids.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from aiox.cli.chat.stream import ChatTrouble
from aiox.commands import preferences
from aiox.commands.create_agent import AgentCreated
from aiox.commands.preferences import SetPreferences
from aiox.kernel.preferences import Tone
from aiox.runtime import redis
from registry.ledger import verify_chain
from registry.migrations.guard import STAYS
from registry.short_term import key
from registry.tenants import TenantKeyMissing, load_ring
from tests.e2e.conftest import ModelHub
from tests.e2e.database import dump_of, superuser
from tests.e2e.left_behind import (
    all_is_concluded,
    appended,
    content_of,
    keys_that_name,
    leave_more,
    lies_in_store,
    until,
)
from tests.e2e.people import ROOMY, ROOMY_ACCOUNT, Person, answer_to, online, shape, teach
from tests.stack import Account, RunningHub

STORES = {"postgres", "redis", "nats", "ejabberd"}
OFF = "ALTER TABLE executions {} TRIGGER nothing_of_the_erased"
LEFT_TURNS = """
    SELECT count(*) FROM executions WHERE subject_jid = $1 AND owner_user_id = $2 AND input IS NOT NULL"""


@dataclass(frozen=True)
class Lives:
    """Ada has an agent that others talk to, and talks to Bob's. `word` stands in everything that is hers."""

    hub: RunningHub
    ada: Account
    bob: Account
    carol: Account
    hers: AgentCreated
    his: AgentCreated
    word: str


@asynccontextmanager
async def lived(model_hub: ModelHub) -> AsyncIterator[tuple[Lives, Person, Person]]:
    """Everything a person can leave behind, and their client and a guest's."""
    hub, word = model_hub.hub, f"planted{uuid4().hex}"
    ada, bob, carol = [await hub.account(quota=ROOMY_ACCOUNT) for _ in range(3)]
    hers = await hub.agent(
        ada, name=f"{word} agent", system_prompt=f"{word} prompt", visibility="public", governance=ROOMY
    )
    his = await hub.agent(bob, visibility="public", governance=ROOMY)
    await teach(hub, ada, hers.agent_id, "notes.md", f"The {word} is in this document.")
    async with hub.commands() as commands:
        await preferences.put(commands, ada.actor, SetPreferences(tone=Tone.FORMAL))
    (hub.home.root / "mail").mkdir(exist_ok=True)
    letter = f"To: {ada.jid.split('@')[0]}@example.org\n\n{word}\n"
    (hub.home.root / "mail" / f"{word[:20]}.eml").write_text(letter)
    async with online(hub, ada) as at_hers, online(hub, carol) as at_carols:
        await answer_to(at_hers, his.jid, f"remember that my word is {word}")
        await answer_to(at_hers, hers.jid, f"{word} at home")
        await answer_to(at_carols, hers.jid, "good day")
        yield Lives(hub, ada, bob, carol, hers, his, word), at_hers, at_carols


async def erase(lives: Lives) -> None:
    command = ("--home", str(lives.hub.home.root), "user", "erase", lives.ada.jid, "--yes")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "aiox.cli.main", *command),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    assert b"is erased" in out


async def talk_on(person: Person, to: str, text: str) -> int:
    """Goes on sending, a message every tenth of a second, until the connection is gone or enough was said."""
    for number in range(15):
        try:
            person.say(to, f"{text} {number}")
        except ChatTrouble:
            return number
        await asyncio.sleep(0.1)
    return 15


async def erased_in_mid_sentence(model_hub: ModelHub, lives: Lives, hers: Person, carols: Person) -> None:
    """Three turns think, more wait, and all talk on; then the model answers everything."""
    with model_hub.model.held():
        before = model_hub.model.thinking
        hers.say(lives.his.jid, f"{lives.word} in flight")
        hers.say(lives.hers.jid, f"{lives.word} at home in flight")
        carols.say(lives.hers.jid, "carol in flight")

        async def all_think() -> bool:
            return model_hub.model.thinking >= before + 3

        await until(all_think)
        talking = [
            asyncio.create_task(talk_on(hers, lives.his.jid, lives.word)),
            asyncio.create_task(talk_on(carols, lives.hers.jid, "carol")),
        ]
        await erase(lives)
    said = await asyncio.gather(*talking)
    assert all(said), "nobody talked meanwhile"


async def caches_are_clear(lives: Lives) -> None:
    memory = redis.connect(lives.hub.settings, lives.hub.home.secrets("orchestrator"), "orchestrator")
    kept = [
        key(lives.bob.actor.owner, lives.his.agent_id, lives.ada.jid),
        key(lives.ada.actor.owner, lives.hers.agent_id, lives.ada.jid),
        key(lives.ada.actor.owner, lives.hers.agent_id, lives.carol.jid),
    ]

    async def clear() -> bool:
        return not await memory.exists(*kept)

    try:
        await until(clear)
    finally:
        await memory.aclose()


def files_with(home: Path, text: str) -> list[str]:
    paths = [path for path in home.rglob("*") if path.is_file() and path.relative_to(home).parts[0] not in STORES]
    assert any("logs" in path.parts for path in paths)
    return [str(path) for path in paths if text.encode() in content_of(path)]


async def test_erased_under_traffic_nothing_is_readable_afterwards(model_hub: ModelHub) -> None:
    hub = model_hub.hub
    async with lived(model_hub) as (lives, hers, carols):
        file = await leave_more(hub, lives.ada, lives.hers.agent_id, lives.word)
        assert lies_in_store(hub, file)
        with suppress(ChatTrouble):
            await erased_in_mid_sentence(model_hub, lives, hers, carols)
        await all_is_concluded(hub)
        await caches_are_clear(lives)
    await her_file_is_gone(lives, file)
    name = lives.ada.jid.split("@")[0]
    dump = await dump_of(hub, leave_out=("aiox.audit_logs", "aiox.inbox", "aiox.erasures"))
    archive = await dump_of(hub, "ejabberd")
    assert lives.carol.jid in dump + archive, "the search finds what is there"
    for text in (lives.word, f"{name}@example.org", lives.ada.jid, lives.ada.password):
        assert text not in dump, text
        assert files_with(hub.home.root, text) == [], text
    for text in (lives.word, lives.ada.password):
        assert text not in archive, text
    await no_rows_are_left(lives)
    await the_others_go_on(lives)


async def her_file_is_gone(lives: Lives, file: UUID) -> None:
    async def gone() -> bool:
        return not lies_in_store(lives.hub, file)

    await until(gone)
    assert lives.word.encode() not in appended(lives.hub.home.root), "Redis was never told her words"
    named, left = await keys_that_name(lives.hub, lives.ada.jid)
    assert named, "the search finds what was there"
    assert not left


async def no_rows_are_left(lives: Lives) -> None:
    owner = lives.ada.actor.owner
    async with superuser(lives.hub) as connection:
        tables = await connection.fetch(
            "SELECT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid"
            " WHERE a.attname = 'owner_user_id' AND c.relnamespace = 'aiox'::regnamespace AND c.relkind IN ('r', 'p')"
        )
        for table in {row["name"] for row in tables} - set(STAYS):
            found = await connection.fetchval(f"SELECT count(*) FROM {table} WHERE owner_user_id = $1", owner)  # noqa: S608
            assert found == 0, table
        assert await connection.fetchval(LEFT_TURNS, lives.ada.jid, lives.bob.actor.owner) == 0
    async with lives.hub.commands() as commands:
        with pytest.raises(TenantKeyMissing):
            await load_ring(commands.pool, commands.keys, owner)
        assert isinstance(await verify_chain(commands.pool), tuple), "the ledger still verifies"


async def the_others_go_on(lives: Lives) -> None:
    async with online(lives.hub, lives.carol) as carols:
        assert await answer_to(carols, lives.his.jid, "are you there?")
        error = await carols.error_for(carols.say(lives.hers.jid, "and you?"))
        unknown = uuid4()
        nobody = await carols.error_for(carols.say(f"agent-{unknown}@{lives.hub.settings.agents_domain}", "and you?"))
        hidden = (lives.hers.jid, f"agent-{unknown}@{lives.hub.settings.agents_domain}")
        one, other = (shape(found, hide=(*hidden, found.get("id", ""))) for found in (error, nobody))
        assert one == other, "her agent looks like one that never was"


@pytest.mark.control
async def test_without_the_guard_a_turn_under_way_leaves_its_words(model_hub: ModelHub) -> None:
    """The trigger switched off on one table: the same in-flight turn is stored, readable with the agent owner's key."""
    hub = model_hub.hub
    async with superuser(hub) as connection:
        await connection.execute(OFF.format("DISABLE"))
    try:
        async with lived(model_hub) as (lives, hers, carols):
            with suppress(ChatTrouble):
                await erased_in_mid_sentence(model_hub, lives, hers, carols)
            await all_is_concluded(hub)
        async with superuser(hub) as connection:
            assert await connection.fetchval(LEFT_TURNS, lives.ada.jid, lives.bob.actor.owner) > 0
    finally:
        async with superuser(hub) as connection:
            await connection.execute(OFF.format("ENABLE"))
