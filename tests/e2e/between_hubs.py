"""What two hubs that see each other do: their agents ask each other, and they co-sign each other's ledgers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from aiox.cli import ledger, peers
from aiox.cli.hubs import keys as shown_keys
from aiox.cli.ledger_files import check
from aiox.cli.peers import Given
from aiox.cli.stack.trouble import CannotGoOn
from aiox.commands.create_agent import AgentCreated
from aiox.commands.ledger_export import Form
from aiox.runtime.keyring import parse_keys
from bench.stub_model import Scripted, StubModel
from policy.cosignatures import WitnessSigner
from tests.e2e.database import superuser
from tests.e2e.people import ROOMY, ROOMY_ACCOUNT, answer_to, online
from tests.stack import RunningHub

FOUND_S = 60.0
"""Within this a rewritten ledger is to be found out."""


def thinking_with(model: StubModel) -> dict[str, str]:
    """Environment of a hub whose agents think with this model."""
    given = {"PROVIDER": "openai", "NAME": "stub", "API_BASE": model.url, "API_KEY": "sk-stub"}
    return {f"AIOX_MODEL__{name}": value for name, value in given.items()}


async def introduced(*hubs: RunningHub) -> None:
    """Each lets the other in, and has pinned its keys."""
    for hub, other in (hubs, hubs[::-1]):
        given = Given(True, True, True, 1_000_000, 1_000_000, None, False, "")
        await peers.add(hub.settings, other.settings.domain, given)
    for hub, other in (hubs, hubs[::-1]):
        async with asyncio.timeout(FOUND_S):
            while f"{other.settings.domain}, pinned" not in await shown_keys(hub.settings):
                await asyncio.sleep(0.3)


async def asking_agent(hub: RunningHub, of: RunningHub, name: str) -> tuple[AgentCreated, Callable[[str], Scripted]]:
    """A public agent that may ask agents of the other hub; it stands for both sides of a conversation."""
    owner = await hub.account(quota=ROOMY_ACCOUNT)
    policy = {"allowed_domains": [of.settings.agents_domain]}
    tools = [{"name": "ask_agent", "policy": policy}]
    agent = await hub.agent(owner, name=name, governance=ROOMY, visibility="public", tools=tools)

    def asks(message: str) -> Scripted:
        arguments = json.dumps({"to": agent.jid, "message": message})
        return Scripted("", calls=({"name": "ask_agent", "arguments": arguments},))

    return agent, asks


async def asks_the_other(here: RunningHub, there: RunningHub, model: StubModel) -> None:
    """An agent here asks one there, and both ledgers say so."""
    person = await here.account()
    one, _ = await asking_agent(here, there, "One")
    two, asks_two = await asking_agent(there, here, "Two")
    async with online(here, person) as client:
        model.script(asks_two("When is high tide?"), "At five past nine.", "Two says five past nine.")
        told = await answer_to(client, one.jid, "Ask Two about the tide")
    assert told == "Two says five past nine.", model.asked[-1]["messages"][-1]
    shown = json.loads(model.asked[-1]["messages"][-1]["content"])
    assert (shown["status"], shown["untrusted_result"]) == ("done", "At five past nine.")
    started = await record_of(here, "tool.started", one.agent_id)
    concluded = await record_of(there, "turn.concluded", two.agent_id)
    assert concluded["details"]["call_id"] == started["details"]["call_id"]
    assert concluded["details"]["peer_correlation_id"] == started["correlation_id"]
    assert concluded["details"]["asked_by"] == [str(one.agent_id)]
    assert concluded["actor"] == one.jid
    decided = await record_of_decision(there, one.jid)
    assert (decided["details"]["decision"], decided["details"]["proof"]) == ("allow", "certificate")
    asked = await record_of_decision(here, person.jid)
    assert asked["details"]["proof"] == "local", "who has an account here"


async def goes_no_circle(here: RunningHub, there: RunningHub, model: StubModel) -> None:
    """The agent there that was asked asks back: it is told that the first one is in the chain already."""
    person = await here.account()
    one, asks_one = await asking_agent(here, there, "One")
    _, asks_two = await asking_agent(there, here, "Two")
    async with online(here, person) as client:
        model.script(asks_two("Ask One"), asks_one("Ask Two"), "One is not to be had.", "Nothing came of it.")
        assert await answer_to(client, one.jid, "Go round") == "Nothing came of it."
    refused = json.loads(model.asked[-2]["messages"][-1]["content"])
    assert (refused["status"], "in the chain" in refused["untrusted_result"]) == ("refused", True)


async def record_of(hub: RunningHub, event: str, agent: UUID) -> dict[str, Any]:
    """The newest record of this kind that names an agent."""
    async with superuser(hub) as connection:
        row = await connection.fetchrow(
            "SELECT record FROM audit_logs WHERE event_type = $1 AND details ->> 'agent_id' = $2 ORDER BY seq DESC",
            event,
            str(agent),
        )
    assert row is not None
    found = json.loads(bytes(row["record"]))
    assert isinstance(found, dict)
    return found


async def record_of_decision(hub: RunningHub, actor: str) -> dict[str, Any]:
    """The newest decision on a turn that this address asked for."""
    async with superuser(hub) as connection:
        row = await connection.fetchrow(
            "SELECT record FROM audit_logs WHERE event_type = 'gate.decision' AND actor = $1"
            " AND details ->> 'action' = 'agent.invoke' ORDER BY seq DESC",
            actor,
        )
    assert row is not None
    found = json.loads(bytes(row["record"]))
    assert isinstance(found, dict)
    return found


def witness_of(hub: RunningHub) -> str:
    """The key with which a hub co-signs, as its operator tells it."""
    [seed] = parse_keys(hub.home.secrets("component").read("hub_keys")).values()
    return str(WitnessSigner(f"{hub.settings.domain}/witness", seed).verifier)


async def is_cosigned(hub: RunningHub, by: RunningHub, folder: Path) -> int:
    """Waits until the other hub has co-signed; an export up to there demands it. Returns the size."""
    key = witness_of(by)
    async with asyncio.timeout(FOUND_S):
        while not (size := await cosigned_size(hub, key)):
            await asyncio.sleep(0.3)
    file = folder / f"{hub.settings.domain}.jsonl"
    await ledger.export(hub.settings, file, Form.JSONL, witnessed=True)
    assert f"Co-signed by {by.settings.domain}/witness." in check(file, "", None, [key])
    with pytest.raises(CannotGoOn, match="has co-signed proves it"):
        check(file, "", None, [witness_of(hub)])
    return size


async def cosigned_size(hub: RunningHub, key: str) -> int:
    """How far a witness has co-signed this hub's ledger."""
    async with superuser(hub) as connection:
        return int(await connection.fetchval("SELECT max(size) FROM ledger_cosignatures WHERE witness = $1", key) or 0)


REWRITE = """
    DO $$
    DECLARE v_row record; v_hash bytea; v_record bytea;
    BEGIN
        PERFORM FROM ledger_head FOR UPDATE;
        DELETE FROM ledger_cosignatures;
        DELETE FROM ledger_checkpoints;
        DELETE FROM ledger_nodes;
        v_hash := decode(repeat('00', 32), 'hex');
        FOR v_row IN SELECT seq, record FROM audit_logs ORDER BY seq LOOP
            v_record := v_row.record;
            IF v_row.seq = 2 THEN
                v_record := convert_to(
                    regexp_replace(convert_from(v_record, 'UTF8'), '"actor":"[^"]*"', '"actor":"nobody"'), 'UTF8');
            END IF;
            UPDATE audit_logs SET previous_hash = v_hash, record = v_record,
                   hash = sha256(v_hash || int8send(v_row.seq) || v_record),
                   actor = convert_from(v_record, 'UTF8')::jsonb ->> 'actor'
            WHERE seq = v_row.seq RETURNING hash INTO v_hash;
        END LOOP;
        UPDATE ledger_head SET hash = v_hash;
    END $$"""
"""Whoever is superuser of the database writes one record anew, and all behind it; the hub then signs that itself."""


async def rewritten(hub: RunningHub) -> None:
    """As an operator would who has everything but the other hub."""
    async with superuser(hub) as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(REWRITE)


async def is_found_out(hub: RunningHub, by: RunningHub) -> None:
    """The other hub has it on record in time, and does not sign any more."""
    async with asyncio.timeout(FOUND_S):
        while True:
            async with superuser(by) as connection:
                found = await connection.fetchval(
                    "SELECT count(*) FROM audit_logs WHERE event_type = 'witness.forked' AND details ->> 'peer' = $1",
                    hub.settings.domain,
                )
            if found:
                break
            await asyncio.sleep(0.3)
    assert await cosigned_size(hub, witness_of(by)) == 0
    assert "REWRITTEN" in await ledger.witnesses(by.settings)
