"""What the running services say on /metrics is what docs/observability.md says they do; and a bucket leads to rows."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args
from uuid import UUID

import aiohttp
import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample

from aiox.cli.stack.services import health_port
from aiox.cli.traces import read_trace
from aiox.runtime.settings import Service
from tests.e2e.over_http import signed_in
from tests.e2e.people import answer_to, online
from tests.metrics_table import Row, is_ours, parsed, table
from tests.stack import Account, RunningHub

SERVICES: Sequence[Service] = get_args(Service)
OPEN_METRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}
SOON_S = 60.0
LOGGED = {
    "owner_user_id",
    "agent_id",
    "platform_latency_ms",
    "worker_latency_ms",
    "worker_id",
    "tokens_used",
    "policy_checked",
}


@dataclass(frozen=True)
class Talked:
    """An account that made an agent over HTTP and has had an answer from it."""

    account: Account
    agent: str


@pytest.fixture(scope="module")
async def talked(hub: RunningHub) -> Talked:
    account = await hub.account()
    async with signed_in(hub, account) as client:
        made = await client.post("/v1/agents", json={"profile": {"name": "Ada", "system_prompt": "Answer."}})
        assert made.status_code == 201, made.text
    async with online(hub, account) as person:
        await answer_to(person, made.json()["jid"], "How long does a figure take?")
    return Talked(account, made.json()["agent_id"])


async def got(hub: RunningHub, service: Service, path: str) -> tuple[int, str]:
    url = f"http://127.0.0.1:{health_port(hub.settings.ports, service)}{path}"
    async with aiohttp.ClientSession() as session, session.get(url, headers=OPEN_METRICS) as answer:
        return answer.status, await answer.text()


async def families(hub: RunningHub, service: Service) -> dict[str, Metric]:
    """Those of ours, by name."""
    _, text = await got(hub, service, "/metrics")
    return {family.name: family for family in parsed(text) if is_ours(family.name)}


async def samples(hub: RunningHub, service: Service, name: str, **labels: str) -> list[Sample]:
    found = [sample for family in (await families(hub, service)).values() for sample in family.samples]
    return [one for one in found if one.name == name and labels.items() <= one.labels.items()]


async def until_there(hub: RunningHub, service: Service, name: str, **labels: str) -> list[Sample]:
    async with asyncio.timeout(SOON_S):
        while not (found := await samples(hub, service, name, **labels)):
            await asyncio.sleep(0.2)
    return found


def promised(service: str) -> dict[str, Row]:
    return {row.family: row for row in table().values() if service in row.services}


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_says_that_it_lives_and_that_it_is_ready(hub: RunningHub, service: Service) -> None:
    assert await got(hub, service, "/livez") == (200, "alive\n")
    assert await got(hub, service, "/readyz") == (200, "ready\n")


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_exports_what_the_table_says_and_nothing_else(
    hub: RunningHub, talked: Talked, service: Service
) -> None:
    said = await families(hub, service)
    assert {name: family.type for name, family in said.items()} == {
        name: row.type for name, row in promised(service).items()
    }
    for name, row in promised(service).items():
        assert {frozenset(sample.labels) - {"le"} for sample in said[name].samples} <= {row.labels}


async def test_a_turn_is_counted_with_its_account_and_agent(hub: RunningHub, talked: Talked) -> None:
    owner = str(talked.account.actor.owner)
    pair = {"agent_id": talked.agent, "user_id": owner}
    assert (await samples(hub, "gateway", "aiox_agents_created_total", user_id=owner))[0].value == 1
    [tokens] = await until_there(hub, "orchestrator", "aiox_tokens_used_total", **pair)
    assert tokens.value > 0
    for operation in ("platform", "worker", "model"):
        of_agent = {"agent_id": talked.agent, "operation": operation}
        [count] = await until_there(hub, "orchestrator", "aiox_latency_seconds_count", **of_agent)
        assert count.value == 1
    assert await until_there(hub, "orchestrator", "gate_decisions_total", action="agent.invoke", decision="allow")
    streamed = {"method": "StreamResponse", "status": "OK"}
    assert await until_there(hub, "orchestrator", "aiox_grpc_request_duration_count", **streamed)
    assert await until_there(hub, "ai_worker", "aiox_llm_inference_time_count", provider="offline")
    assert await until_there(hub, "orchestrator", "aiox_python_worker_health", status="healthy")


async def test_what_is_stored_and_left_is_read_from_the_database(hub: RunningHub, talked: Talked) -> None:
    owner = str(talked.account.actor.owner)
    async with hub.commands() as commands, commands.pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('aiox.owner', $1, true)", owner)
        limit = await connection.fetchval("SELECT (quota_config ->> 'tokens_per_day')::bigint FROM users")
    async with asyncio.timeout(SOON_S):
        while True:
            found = await samples(hub, "orchestrator", "aiox_quota_remaining", user_id=owner)
            if found and found[0].value < limit:
                break
            await asyncio.sleep(0.5)
    assert found[0].value > 0


async def test_a_refusal_is_a_violation(hub: RunningHub, talked: Talked) -> None:
    eve = await hub.account()
    before = sum(one.value for one in await samples(hub, "gateway", "aiox_policy_violations_total"))
    async with signed_in(hub, eve) as client:
        assert (await client.get(f"/v1/agents/{talked.agent}")).status_code == 404
    after = await samples(hub, "gateway", "aiox_policy_violations_total", severity="warning")
    assert sum(one.value for one in after) > before


async def test_a_slow_bucket_leads_to_the_trace_and_the_trace_to_the_audit_rows(
    hub: RunningHub, talked: Talked
) -> None:
    of_turn = {"agent_id": talked.agent, "operation": "platform"}
    buckets = await until_there(hub, "orchestrator", "aiox_latency_seconds_bucket", **of_turn)
    [exemplar] = [one.exemplar for one in buckets if one.exemplar is not None]
    async with asyncio.timeout(SOON_S):
        while len(spans := read_trace(hub.home.traces, exemplar.labels["trace_id"])) < 15:
            await asyncio.sleep(0.2)
    [correlation] = {span.correlation_id for span in spans} - {""}
    assert correlation == exemplar.labels["correlation_id"]
    async with hub.commands() as commands:
        rows = await commands.pool.fetch(
            "SELECT event_type FROM ledger_read(0, 1000000) WHERE correlation_id = $1", UUID(correlation)
        )
    assert {"gate.decision", "turn.concluded"} <= {row["event_type"] for row in rows}


async def test_a_model_call_has_a_span_with_the_names_of_the_conventions(hub: RunningHub, talked: Talked) -> None:
    async with asyncio.timeout(SOON_S):
        while not (found := chat_and_parent(hub)):  # a span is written when it ends, the model call's before its turn's
            await asyncio.sleep(0.2)
    chat, parent = found
    carried = chat["attributes"]
    assert carried["gen_ai.operation.name"] == "chat"
    assert carried["gen_ai.provider.name"] == "offline"
    assert carried["gen_ai.request.model"]
    assert carried["gen_ai.usage.input_tokens"] > 0
    assert parent["trace_id"] == chat["trace_id"]
    assert parent["attributes"]["gen_ai.operation.name"] == "invoke_agent"


def chat_and_parent(hub: RunningHub) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """A model call and the turn it was made in, once both are written."""
    spans = spans_of(hub)
    thinking = {one["span_id"]: one for one in spans if one["name"] == "10 worker"}
    chats = [one for one in spans if one["name"].startswith("chat ") and one["parent_id"] in thinking]
    return (chats[-1], thinking[chats[-1]["parent_id"]]) if chats else None


def spans_of(hub: RunningHub) -> list[dict[str, Any]]:
    found = []
    for line in (hub.home.traces / "ai_worker.jsonl").read_text().splitlines():
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:  # still being written
            continue
    return found


async def test_a_turn_makes_one_line_in_the_log_with_all_that_is_promised(hub: RunningHub, talked: Talked) -> None:
    def lines() -> list[dict[str, Any]]:
        text = hub.home.log_file("orchestrator").read_text()
        found = [json.loads(line) for line in text.splitlines() if '"agent_message_processed"' in line]
        return [line for line in found if line["agent_id"] == talked.agent]

    async with asyncio.timeout(SOON_S):
        while not lines():
            await asyncio.sleep(0.2)
    [line] = lines()
    assert set(line) >= LOGGED
    assert line["owner_user_id"] == str(talked.account.actor.owner)
    assert line["policy_checked"] is True
    assert line["tokens_used"] > 0
    assert "figure" not in json.dumps(line)


@pytest.mark.usefixtures("talked")
async def test_top_shows_the_running_hub(hub: RunningHub) -> None:
    top = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "aiox.cli.main", "--home", str(hub.home.root), "top", "--once"),
        env={**os.environ, "COLUMNS": "120"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await top.communicate()
    assert (top.returncode, err) == (0, b"")
    text = out.decode()
    for wanted in (*SERVICES, "healthy", "offline"):
        assert wanted in text
    assert re.search(r"│ [0-9a-f]{8}-[0-9a-f]{4}", text), (
        "accounts, the busiest first; which depends on the tests before"
    )
