"""From a question to a reply, through every real part (SPEC 4), and what strangers and odd messages get instead."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from uuid import UUID, uuid4
from xml.etree.ElementTree import Element

import pytest

from aiox.cli.traces import read_trace
from aiox.kernel.ids import AgentId
from aiox.runtime import postgres
from aiox.runtime.postgres import Connection
from aiox.runtime.steps import Step
from policy.ledger import Fault
from registry import ledger
from tests.e2e.database import dump_of, superuser
from tests.e2e.people import ROOMY, ROOMY_ACCOUNT, answer_to, body_of, online, shape, teach
from tests.stack import Account, RunningHub

SID = "urn:xmpp:sid:0"
RECEIPTS = "urn:xmpp:receipts"


async def test_an_independent_client_gets_an_answer_that_cites_a_document(hub: RunningHub, tmp_path: Path) -> None:
    ada = await hub.account()
    agent = await hub.agent(ada)
    await teach(hub, ada, agent.agent_id, "tea.md", "# Tea\n\nGreen tea is brewed at seventy degrees for two minutes.")
    password = tmp_path / "password"
    password.write_text(ada.password)
    password.chmod(0o600)
    chat = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "aiox.cli.main", "--home", str(hub.home.root), "chat", agent.jid, "--jid", ada.jid),
        *("--password-file", str(password), "--host", "127.0.0.1", "--port", str(hub.settings.ports.xmpp_client)),
        *("--ca", str(hub.home.secrets("xmpp").path("ca.crt")), "--once", "At how many degrees is green tea brewed?"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await chat.communicate()
    assert chat.returncode == 0, err.decode()
    assert "seventy degrees" in out.decode()
    assert "tea.md" in out.decode()


async def test_one_sentence_changed_in_the_document_changes_the_answer(hub: RunningHub) -> None:
    ada = await hub.account(quota=ROOMY_ACCOUNT)
    agent = await hub.agent(ada, governance=ROOMY)
    question = "Where is the key of the boat house?"
    async with online(hub, ada) as person:
        await teach(hub, ada, agent.agent_id, "house.md", "The key of the boat house hangs behind the door.")
        assert "behind the door" in await answer_to(person, agent.jid, question)
        await teach(hub, ada, agent.agent_id, "house.md", "The key of the boat house lies under the blue pot.")
        second = await answer_to(person, agent.jid, question)
    assert "under the blue pot" in second
    assert "behind the door" not in second


async def test_the_receipt_comes_before_the_answer_and_names_the_question(hub: RunningHub) -> None:
    ada = await hub.account()
    agent = await hub.agent(ada)
    async with online(hub, ada) as person:
        asked = person.say(agent.jid, "hello", extra=(Element(f"{{{RECEIPTS}}}request"),))
        answer = await person.until(lambda got: bool(body_of(got)))
        receipts = [got.find(f"{{{RECEIPTS}}}received") for got in person.got[: person.got.index(answer)]]
    assert [receipt.get("id") for receipt in receipts if receipt is not None] == [asked]


async def test_a_stranger_and_an_unknown_address_get_the_same_refusal(hub: RunningHub) -> None:
    ada, eve = await hub.account(), await hub.account()
    agent = await hub.agent(ada)
    unknown = agent.jid.replace(str(agent.agent_id), str(uuid4()))
    nonsense = agent.jid.replace(f"agent-{agent.agent_id}", "nobody")
    async with online(hub, eve) as person:
        shapes = set()
        for address in (agent.jid, unknown, nonsense):
            asked = person.say(address, "let me in", extra=(Element(f"{{{RECEIPTS}}}request"),))
            error = await person.error_for(asked)
            await person.receipt_for(asked)
            shapes.add(shape(error, hide=(address, asked)))
    assert len(shapes) == 1
    assert "ACCESS_DENIED" in shapes.pop()


@pytest.mark.control
async def test_control_with_a_grant_the_same_stranger_gets_an_answer(hub: RunningHub) -> None:
    ada, eve = await hub.account(), await hub.account()
    agent = await hub.agent(ada, visibility="shared", shared_with=[eve.jid])
    async with online(hub, eve) as person:
        assert "offline responder" in await answer_to(person, agent.jid, "let me in")


@pytest.mark.parametrize(
    ("body", "code"), [("", "BODY_EMPTY"), (" \n\t ", "BODY_EMPTY"), ("x" * (64 * 1024 + 1), "BODY_TOO_LARGE")]
)
async def test_a_body_that_cannot_be_answered_gets_a_clear_error(hub: RunningHub, body: str, code: str) -> None:
    ada = await hub.account()
    agent = await hub.agent(ada)
    async with online(hub, ada) as person:
        error = await person.error_for(person.say(agent.jid, body))
        assert code in shape(error, hide=())
        assert "offline responder" in await answer_to(person, agent.jid, "and a good one afterwards")


async def test_a_body_of_exactly_64_kib_is_taken(hub: RunningHub) -> None:
    ada = await hub.account()
    agent = await hub.agent(ada)
    async with online(hub, ada) as person:
        error = await person.error_for(person.say(agent.jid, "x" * (64 * 1024)))
        # Admitted and judged: 21,846 tokens do not fit into the default 1,000 a minute.
        assert "QUOTA_EXCEEDED" in shape(error, hide=())


async def test_malformed_elements_in_a_message_do_not_stop_the_door(hub: RunningHub) -> None:
    ada = await hub.account()
    agent = await hub.agent(ada)
    odd = Element("{urn:xmpp:sid:0}origin-id")  # without an id
    twice = Element("{jabber:client}body")
    twice.text = "a second body"
    async with online(hub, ada) as person:
        person.say(agent.jid, None, extra=(odd, Element("{urn:x}deep")))
        person.say(agent.jid, "one", extra=(odd, twice, twice))
        assert "offline responder" in await answer_to(person, agent.jid, "still there?")


async def test_the_same_message_id_again_is_answered_once(hub: RunningHub) -> None:
    ada = await hub.account(quota=ROOMY_ACCOUNT)
    agent = await hub.agent(ada, governance=ROOMY)
    async with online(hub, ada) as person:
        for _ in range(3):
            person.say(agent.jid, "only once, please", message_id="same-id")
        await person.until(lambda got: bool(body_of(got)))
        await answer_to(person, agent.jid, "and this one comes last")
        assert len([got for got in person.got if body_of(got)]) == 2


@pytest.mark.control
async def test_control_other_ids_are_other_messages(hub: RunningHub) -> None:
    ada = await hub.account(quota=ROOMY_ACCOUNT)
    agent = await hub.agent(ada, governance=ROOMY)
    async with online(hub, ada) as person:
        for _ in range(2):
            await answer_to(person, agent.jid, "only once, please")
        await answer_to(person, agent.jid, "and this one comes last")
        assert len([got for got in person.got if body_of(got)]) == 3


async def test_messages_in_quick_succession_share_a_turn_and_keep_their_own_receipts(hub: RunningHub) -> None:
    ada = await hub.account(quota=ROOMY_ACCOUNT)
    agent = await hub.agent(ada, governance=ROOMY)
    async with online(hub, ada) as person:
        asked = [
            person.say(agent.jid, text, extra=(Element(f"{{{RECEIPTS}}}request"),))
            for text in ("one more thing", "and another", "and a third")
        ]
        for message_id in asked:
            await person.receipt_for(message_id)
        await answer_to(person, agent.jid, "this one comes last")
        answers = [got for got in person.got if body_of(got)]
    assert len(answers) < 4
    async with superuser(hub) as connection:
        outcomes = await connection.fetch(
            "SELECT outcome FROM inbox WHERE agent_id = $1 ORDER BY admitted_at", agent.agent_id
        )
    assert len(outcomes) == 4
    assert len([row for row in outcomes if row["outcome"] == "answered"]) == len(answers)
    assert all(row["outcome"] == "answered" or row["outcome"].startswith("merged ") for row in outcomes)


async def test_a_used_up_quota_is_refused_with_limit_and_reset(hub: RunningHub) -> None:
    ada = await hub.account()
    agent = await hub.agent(ada, governance={"max_tokens_per_minute": 30})
    async with online(hub, ada) as person:
        error = await person.error_for(person.say(agent.jid, "a question that is much longer than thirty tokens " * 4))
    text = shape(error, hide=())
    assert "QUOTA_EXCEEDED" in text
    assert "agent, per minute" in text
    assert "resets in" in text


async def test_the_trace_of_one_message_names_all_15_steps_by_the_process_that_did_them(hub: RunningHub) -> None:
    ada = await hub.account()
    agent = await hub.agent(ada)
    async with online(hub, ada) as person:
        await answer_to(person, agent.jid, "trace me")
    async with hub.commands() as commands:
        turn = await commands.pool.fetchval(
            "SELECT correlation_id FROM ledger_read(0, 100000) WHERE event_type = 'turn.concluded'"
            " AND details ->> 'agent_id' = $1",
            str(agent.agent_id),
        )
    by_step: dict[str, str] = {}
    async with asyncio.timeout(60):
        while len({name[:2] for name in by_step if name[:2].isdigit()}) < 15:
            by_step = {span.name: span.service for span in read_trace(hub.home.traces, str(turn))}
            await asyncio.sleep(0.1)
    door = {Step.RECEIVED, Step.VOUCHED, Step.ADMITTED, Step.REPLIED}
    worker = {Step.THOUGHT, Step.LONG_TERM}
    for step in Step:
        expected = "component" if step in door else "ai_worker" if step in worker else "orchestrator"
        assert by_step[step] == expected
    assert len(_pids(hub.home.traces, str(turn))) == 3


def _pids(folder: Path, correlation_id: str) -> set[int]:
    spans = [json.loads(line) for path in folder.glob("*.jsonl") for line in path.read_text().splitlines()]
    return {span["pid"] for span in spans if span["attributes"].get("aiox.correlation_id") == correlation_id}


async def test_the_audit_chain_verifies_and_every_decision_is_in_it(hub: RunningHub) -> None:
    ada = await hub.account()
    agent = await hub.agent(ada)
    async with online(hub, ada) as person:
        await answer_to(person, agent.jid, "leave a trace in the ledger")
    async with hub.commands() as commands:
        assert not isinstance(await ledger.verify_chain(commands.pool), Fault)
        rows = [row for page in [page async for page in ledger.read(commands.pool)] for row in page]
    assert rows[-1].seq == len(rows)
    assert await decisions_of(hub, ada, agent.agent_id) == ["allow"]


async def test_a_record_changed_behind_the_hubs_back_is_named(hub: RunningHub) -> None:
    ada = await hub.account()
    await hub.agent(ada)
    async with superuser(hub) as connection:
        changed = await connection.fetchval(
            "SELECT max(seq) FROM aiox.audit_logs WHERE position('allow' IN convert_from(record, 'UTF8')) > 0"
        )
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("SET LOCAL session_replication_role = replica")  # no trigger stands in the way
        await connection.execute(
            "UPDATE aiox.audit_logs SET record = convert_to(replace(convert_from(record, 'UTF8'), 'allow', 'deny'),"
            " 'UTF8') WHERE seq = $1",
            changed,
        )
        found = await ledger.verify_chain(connection)
        await transaction.rollback()
        await transaction_that_cuts_the_tail(connection)
        assert found == Fault(changed, "its hash does not fit its content")
        assert not isinstance(await ledger.verify_chain(connection), Fault)


async def transaction_that_cuts_the_tail(connection: Connection) -> None:
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("SET LOCAL session_replication_role = replica")
    await connection.execute("SELECT FROM aiox.ledger_head FOR UPDATE")  # who writes meanwhile waits
    last = await connection.fetchval(
        "DELETE FROM aiox.audit_logs WHERE seq = (SELECT max(seq) FROM aiox.audit_logs) RETURNING seq"
    )
    assert await ledger.verify_chain(connection) == Fault(last, f"missing: the head of the chain is {last}")
    await transaction.rollback()


async def decisions_of(hub: RunningHub, owner: Account, agent: AgentId) -> list[str]:
    """What the gate decided about messages to this agent, as the owner's audit view has it."""
    async with hub.commands() as commands:
        rows = await commands.pool.fetch(
            "SELECT d.details ->> 'decision' AS decision FROM ledger_read(0, 100000) d"
            " JOIN ledger_read(0, 100000) t ON t.correlation_id = d.correlation_id AND t.event_type = 'turn.concluded'"
            " WHERE d.event_type = 'gate.decision' AND d.owner_user_id = $1 AND t.details ->> 'agent_id' = $2",
            owner.actor.owner,
            str(agent),
        )
    return [row["decision"] for row in rows]


async def test_a_refusal_is_in_the_owners_ledger_too(hub: RunningHub) -> None:
    ada, eve = await hub.account(), await hub.account()
    agent = await hub.agent(ada)
    async with online(hub, eve) as person:
        await person.error_for(person.say(agent.jid, "let me in"))
    async with hub.commands() as commands:
        denied = await commands.pool.fetchval(
            "SELECT count(*) FROM ledger_read(0, 100000) WHERE owner_user_id = $1 AND actor = $2"
            " AND details ->> 'reason_code' = 'ACCESS_DENIED'",
            ada.actor.owner,
            eve.jid,
        )
    assert denied == 1


async def test_usage_is_settled_to_the_token(hub: RunningHub) -> None:
    ada = await hub.account(quota=ROOMY_ACCOUNT)
    agent = await hub.agent(ada, governance=ROOMY)
    async with online(hub, ada) as person:
        for number in range(3):
            await answer_to(person, agent.jid, f"question {number}")
    pool = await postgres.connect(hub.settings, hub.home.secrets("gateway"), "gateway")
    try:
        async with postgres.owner_scope(pool, ada.actor.owner) as connection:
            booked = await connection.fetchval("SELECT tokens_used_today FROM user_quotas")
            used = await connection.fetchval("SELECT sum(tokens_used) FROM executions")
    finally:
        await pool.close()
    assert booked == used > 0


async def test_texts_lie_encrypted_in_the_database(hub: RunningHub) -> None:
    ada = await hub.account()
    prompt = f"prompt-{uuid4().hex}"
    agent = await hub.agent(ada, system_prompt=prompt)
    secret = f"secret-{uuid4().hex}"
    async with online(hub, ada) as person:
        await answer_to(person, agent.jid, secret)
        assert UUID(str(agent.agent_id))
    dump = await dump_of(hub)
    assert str(agent.agent_id) in dump
    for hidden in (secret, prompt):
        assert hidden not in dump
        assert hidden.encode().hex() not in dump
