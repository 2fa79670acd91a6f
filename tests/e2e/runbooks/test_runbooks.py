"""Each runbook, followed: the trouble is made, what the page says is typed, and it is over."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from pathlib import Path
from uuid import uuid4

import pytest

from aiox.cli.backup.shelf import Shelf
from aiox.cli.stack.processes import run
from aiox.cli.stack.trouble import CannotGoOn
from bench.stub_model import Scripted, StubModel, stub_model
from setup.prove import note
from tests.architecture.house import TOP
from tests.chaos.checker import summary
from tests.e2e.cluster import SETTLE_S, talking
from tests.e2e.database import superuser
from tests.e2e.left_behind import all_is_concluded
from tests.e2e.people import Person, answer_to, body_of, online
from tests.e2e.runbooks.book import Runbook
from tests.e2e.runbooks.troubles import (
    PROVIDER,
    WITH_RECEIPT,
    book,
    copied,
    doctor,
    examined,
    judging,
    mends,
    provider,
    set_aside,
)
from tests.stack import Account, RunningHub

LOOKED_AT = (
    *("Redis", "Erlang", "sandbox for tools", "embedding model", "disk space", "memory", "open files", "clock"),
    *("home is ours", "nobody else may read the home", "secrets", "key ring", "certificate of xmpp, until"),
    *("the hub runs", "PostgreSQL takes every service's password", "the schema is what the revisions make"),
    *("NATS writes before it acknowledges", "XMPP server", "component", "gateway", "orchestrator", "AI worker"),
    *("dead letters", "replies", "workers", "ledger is signed", "clocks", "messages on the bus (0)", "backups"),
)


async def test_the_doctor_finds_a_healthy_hub_healthy(hub: RunningHub) -> None:
    await all_is_concluded(hub)  # what the tests before have begun
    said = await doctor(book(hub, "drift"))
    lines = [line[7:] for line in said.splitlines()]
    assert [name for name in LOOKED_AT if not any(line.startswith(name) for line in lines)] == []
    assert "MEND" not in said, said


async def test_drift(hub: RunningHub) -> None:
    follower = book(hub, "drift")
    async with superuser(hub) as connection:
        await connection.execute("CREATE POLICY lax ON executions USING (true)")
        try:
            said = await follower.follow("aiox migrate --check", fails=True)
            assert "policy lax on executions comes from no revision" in said
            assert mends(await doctor(follower), "the schema")
            assert "the hub as it was at" in await follower.follow("aiox backup create")
        finally:
            await connection.execute("DROP POLICY lax ON executions")
    assert "The ledger holds" in await follower.follow("aiox ledger verify")
    assert "The database is what revision" in await follower.follow("aiox migrate --check")
    assert not mends(await doctor(follower), "the schema")
    follower.done()


async def test_key_rotation(hub: RunningHub) -> None:
    follower, person = book(hub, "key-rotation"), await hub.account()
    agent = await hub.agent(person, system_prompt="Be kind.")
    async with online(hub, person) as talk:
        await answer_to(talk, agent.jid, "Hello")
        before = await follower.follow("aiox key list")
        assert "none is left under an older key" in await follower.follow("aiox key rotate", "--settle-s", "0")
        assert "Deleted: hub keys" in await follower.follow("aiox key retire --keep-days 0")
        after = await follower.follow("aiox key list")
        assert (after.count("current"), "wraps nothing" in after) == (1, False)
        assert before != after
        assert "the hub as it was at" in await follower.follow("aiox backup create")
        assert await answer_to(talk, agent.jid, "Hello again")
    assert "The ledger holds" in await follower.follow("aiox ledger verify")
    follower.done("aiox ledger rotate-key")  # tests/e2e/test_ledger.py


async def test_dead_letters(hub: RunningHub) -> None:
    follower, person = book(hub, "dead-letters"), await hub.account()
    asked, given_up = [await set_aside(hub, person, text) for text in ("What now?", "Never mind")]
    assert mends(await asyncio.to_thread(lambda: examined(hub)), "dead letters: 2 turns")
    listed = await follower.follow("aiox turns list")
    assert all(str(letter.turn) in listed for letter in (asked, given_up))
    shown = await follower.follow("aiox turns show TURN", TURN=asked.turn)
    assert str(asked.correlation_id) in shown
    assert "What now?" not in shown
    async with online(hub, person) as talk:
        await follower.follow("aiox turns retry TURN", TURN=asked.turn)
        await talk.until(lambda got: "offline responder" in "".join(got.itertext()))
    await follower.follow("aiox turns drop TURN", TURN=given_up.turn)
    listed = await follower.follow("aiox turns list")
    assert not any(str(letter.turn) in listed for letter in (asked, given_up))
    follower.done()


async def test_invalid_credentials(hub: RunningHub) -> None:
    follower, status = book(hub, "invalid-credentials"), [401]
    put = "aiox credential set PROVIDER --api-base URL"
    async with judging(status) as url:
        try:
            said = await follower.follow(put, keys="sk-old\n", PROVIDER="openai", URL=url)
            assert "invalid" in said
            assert mends(await doctor(follower), "the hub's own credentials: refused by their providers: openai")
            assert "invalid" in await follower.follow("aiox credential list")
            assert "invalid" in await follower.follow("aiox credential test PROVIDER", PROVIDER="openai")
            status[0] = 200
            assert "  valid" in await follower.follow(put, keys="sk-new\n", PROVIDER="openai", URL=url)
            assert "  valid" in await follower.follow("aiox credential list")
            assert not mends(await doctor(follower), "the hub's own credentials")
        finally:
            await asyncio.to_thread(follower.type_in, ["credential", "delete", "openai"], "", False)
    follower.done()


async def answered(talk: Person, agent: str) -> bool:
    """Whether a question gets an answer, and not an error."""
    asked = talk.say(agent, f"four {uuid4()}")
    ended = await talk.until(
        lambda got: (got.get("type") == "error" and got.get("id") == asked) or "echo: four" in body_of(got)
    )
    return ended.get("type") != "error"


async def asks(stub: StubModel, talk: Person, agent: str) -> bool:
    """Whether a question that fails reaches the provider."""
    before = stub.count
    await talk.error_for(talk.say(agent, "three"))
    return stub.count > before


@pytest.mark.prove  # a credential that changes is known everywhere after some seconds, twice
async def test_provider_down(hub: RunningHub) -> None:
    follower = book(hub, "provider-down")
    put = "aiox credential set PROVIDER --api-base URL"
    async with stub_model() as stub, provider(hub) as (person, agent), online(hub, person) as talk:
        await follower.follow(put, keys="sk-stub\n", URL=stub.url, PROVIDER=PROVIDER)
        assert await answer_to(talk, agent.jid, "one") == "echo: one"
        stub.decides = lambda _question: Scripted(status=404)
        error = await talk.error_for(talk.say(agent.jid, "two"))
        assert "PROVIDER_ERROR" in "".join(
            text for one in error.iter() for text in (*one.attrib.values(), one.text or "")
        )
        assert "openai" in await follower.follow("aiox credential list")
        assert "openai" in await follower.follow("aiox credential test PROVIDER", PROVIDER=PROVIDER)
        assert "disabled" in await follower.follow("aiox credential set PROVIDER --disable", PROVIDER=PROVIDER)
        async with asyncio.timeout(60):
            while await asks(stub, talk, agent.jid):  # orchestrators keep what they know for seconds
                await asyncio.sleep(0.5)
        stub.decides = None
        await follower.follow(put, keys="sk-stub\n", URL=stub.url, PROVIDER=PROVIDER)
        assert "valid" in await follower.follow("aiox credential test PROVIDER", PROVIDER=PROVIDER)
        async with asyncio.timeout(60):
            while not await answered(talk, agent.jid):
                await asyncio.sleep(0.5)
    follower.done()


async def test_peer_abuse(hub: RunningHub) -> None:
    follower, peer = book(hub, "peer-abuse"), "noisy.example"
    await asyncio.to_thread(follower.type_in, ["peer", "add", peer, "--see", "--invoke", "--spend"], "", False)
    try:
        assert peer in await follower.follow("aiox peer list")
        await follower.follow("aiox peer allow PEER --no-spend --no-invoke", PEER=peer)
        await follower.follow("aiox peer block PEER", PEER=peer)
        assert "blocked" in await follower.follow("aiox peer show PEER", PEER=peer)
        assert "peer" in await follower.follow("aiox ledger list")
        await follower.follow("aiox peer allow PEER --see --invoke", PEER=peer)
        assert "blocked" not in await follower.follow("aiox peer show PEER", PEER=peer)
    finally:
        await asyncio.to_thread(follower.type_in, ["peer", "remove", peer], "", False)
    follower.done()


@pytest.mark.timeout(300)
async def test_restore(hub: RunningHub, tmp_path: Path) -> None:
    """What comes back was proven before the command ended: every record of the ledger, and the whole schema."""
    made = await copied(hub, tmp_path)
    there = made.hub.home
    assert (there.root / "hub.toml").read_text() == (hub.home.root / "hub.toml").read_text()
    assert there.secrets("stack").read("keyring") == hub.home.secrets("stack").read("keyring")
    assert not (there.root / "store").exists()
    assert not there.root.with_name("home.restoring").exists()


@pytest.mark.prove
@pytest.mark.timeout(600)
async def test_restored_hub_answers_what_waited_and_nothing_twice(hub: RunningHub, tmp_path: Path) -> None:
    made = await copied(hub, tmp_path)
    follower, restored, person = made.follower, made.hub, made.person
    tried = book(hub, "restore")
    backup = Shelf.of(hub.settings).newest()
    assert backup is not None
    assert "can be restored" in await tried.follow("aiox backup verify FILE", FILE=backup.path)
    await restored.start()
    try:
        async with online(restored, person) as talk:
            assert "Alma" in await answer_to(talk, made.agent, "Please, what is my boat called?")
            rows = await outcomes(restored, person)
            assert await outcomes_of(restored, made.waits) == ["answered"]
            assert len(rows) == len(set(rows))
        assert "The ledger holds" in await follower.follow("aiox ledger verify")
        assert not mends(await doctor(follower), "the schema")
    finally:
        await restored.stop()
    follower.followed |= tried.followed
    follower.done("aiox down", "mv AIOX_HOME AIOX_HOME.before", "aiox up", "aiox backup list")


async def outcomes(hub: RunningHub, person: Account) -> list[str]:
    """Ids of the person's messages that had their outcome, as often as they had one."""
    async with superuser(hub) as connection:
        rows = await connection.fetch("SELECT message_id FROM inbox WHERE sender_jid = $1", person.jid)
    return [row["message_id"] for row in rows]


async def outcomes_of(hub: RunningHub, message_id: str) -> list[str]:
    async with superuser(hub) as connection:
        rows = await connection.fetch("SELECT outcome FROM inbox WHERE message_id = $1", message_id)
    return [row["outcome"] for row in rows]


@pytest.mark.prove
async def test_stuck_conversations(hub: RunningHub) -> None:
    follower, person = book(hub, "stuck-conversations"), await hub.account()
    agent = await hub.agent(person)
    async with online(hub, person) as talk:
        await answer_to(talk, agent.jid, "Hello")
        frozen = hub.pids()["orchestrator"]
        os.kill(frozen, signal.SIGSTOP)
        talk.got.clear()
        await talk.receipt_for(talk.say(agent.jid, "Is anybody there?", extra=(WITH_RECEIPT,)))
        assert mends(await doctor(follower), "orchestrator: it does not answer")
        await follower.follow("aiox workers")
        os.kill(frozen, signal.SIGKILL)
        await talk.until(lambda got: "offline responder" in "".join(got.itertext()))
        assert not mends(await doctor(follower), "orchestrator")
    assert await follower.follow("aiox turns list")
    follower.done("kill -9 PID", "aiox turns cancel TURN --owner OWNER")  # tests/e2e/test_cancel.py


@pytest.mark.prove
async def test_lost_worker(hub: RunningHub) -> None:
    follower, person = book(hub, "lost-worker"), await hub.account()
    agent = await hub.agent(person)
    worker = hub.pids()["ai_worker"]
    os.kill(worker, signal.SIGSTOP)
    async with asyncio.timeout(60):
        while "unavailable" not in await follower.follow("aiox workers"):
            await asyncio.sleep(0.5)
    assert mends(await doctor(follower), "AI worker: it does not answer")
    os.kill(worker, signal.SIGKILL)
    async with online(hub, person) as talk:
        async with asyncio.timeout(60):
            while "unavailable" in await follower.follow("aiox workers"):
                await asyncio.sleep(0.5)
        assert await answer_to(talk, agent.jid, "Are you back?")
    assert not mends(await doctor(follower), "AI worker")
    follower.done("kill -9 PID")


BROKEN = '''"""A revision that fails."""

from alembic import op

revision = "9999"
down_revision = "{before}"


def upgrade() -> None:
    op.execute("CREATE TABLE aiox.half_done (id int)")
    op.execute("SELECT 1 / 0")
'''


@pytest.mark.prove
async def test_migration_rollback(hub: RunningHub, tmp_path: Path) -> None:
    from registry.migrate import newest_revision

    follower, person = book(hub, "migration-rollback"), await hub.account()
    agent = await hub.agent(person)
    newer = tmp_path / "newer"
    for room in ("aiox", "policy", "registry", "ejabberd"):
        shutil.copytree(TOP / room, newer / room, ignore=shutil.ignore_patterns("__pycache__"))
    versions = newer / "registry" / "migrations" / "versions"
    (versions / "9999_broken.py").write_text(BROKEN.format(before=newest_revision()))
    with pytest.raises(Exception, match="division by zero"):
        await run(
            *("env", "-C", str(newer), sys.executable, "-m", "aiox.cli.main", "migrate"),
            environment={**os.environ, "AIOX_HOME": str(hub.home.root)},
        )
    assert "The database is what revision" in await follower.follow("aiox migrate --check")
    async with online(hub, person) as talk:
        assert await answer_to(talk, agent.jid, "Still there?")
    assert "the hub as it was at" in await follower.follow("aiox backup create")
    assert "The ledger holds" in await follower.follow("aiox ledger verify")
    # The way back is that of restore.md, which a test above follows.
    follower.done("aiox up", "aiox down", "mv AIOX_HOME AIOX_HOME.newer", "aiox restore FILE")


@pytest.mark.prove
@pytest.mark.timeout(0)
async def test_postgres_failover(tmp_path: Path) -> None:
    async with talking(tmp_path) as (running, stores):
        assert stores.second is not None
        follower = Runbook("postgres-failover", stores.second[0].root)
        going_on = asyncio.create_task(running.volley(0, messages=300, seconds=40))
        await asyncio.sleep(8)
        await stores.lose_first(running.keeper)
        assert "takes writes now" in await follower.follow("aiox promote")
        await stores.follow_second(running.keeper)
        await going_on
        settled = await running.settled(SETTLE_S)
        violations = await running.violations()
        with pytest.raises(CannotGoOn, match="has been promoted"):
            await running.keeper._starts["postgres"]()
    note(f"cluster: the first PostgreSQL killed, the second promoted; {len(violations)} violations of 300 messages")
    assert not violations, summary(violations)
    assert settled
    follower.done(
        "docker compose stop postgres",
        "docker compose up -d --no-deps --force-recreate ejabberd ejabberd-2 ejabberd-3",
        "aiox doctor",
    )
