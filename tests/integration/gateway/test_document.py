"""The OpenAPI document against the door it describes: 0 server errors, 0 answers that it does not name (schemathesis).

Requests that fit the document, and requests that do not; of every operation, as an account of its own with an agent, so
that some ids lead somewhere. Nothing is limited, or the budgets would answer.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import structlog
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from prometheus_client import CollectorRegistry
from schemathesis import Case, GenerationMode
from schemathesis.checks import CheckFunction, not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from aiox.kernel.envelope import Envelope, MessageReceived
from aiox.runtime.health import serve
from aiox.runtime.objects.folder import FolderStore
from gateway import following
from gateway.access import Door
from gateway.app import make_api, make_app
from gateway.routes.declared import ACTION_KEY
from registry.rates import WINDOW_S, Rate
from setup.prove import note
from tests.integration.gateway.door import HttpDoor, Person
from tests.ports import free_port

CHECKS: list[CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SHORT, LONG = 2, 100
"""Requests of each of both kinds per operation."""


@dataclass
class Served:
    """The door on a port of loopback, and how it answered."""

    url: str
    door: HttpDoor
    statuses: Counter[int]
    reader: tuple[Person, str] | None = None
    """Who only reads, and their agent."""

    async def caller(self, method: str) -> tuple[Person, str]:
        """Somebody with an agent: of their own where the operation may change them or end their session."""
        if method.lower() != "get":
            person = await self.door.person()
            return person, await self.door.agent(person)
        if self.reader is None:
            person = await self.door.person()
            self.reader = person, await self.door.agent(person)
        return self.reader


async def _uncounted(action: str, who: str, limit: int, window_s: int = WINDOW_S) -> Rate:
    assert action
    assert who
    return Rate(limit, limit, window_s)


async def _submit(_envelope: Envelope[MessageReceived]) -> None:
    return


@pytest.fixture
async def served(door: HttpDoor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> AsyncIterator[Served]:
    async def ready() -> str:
        return ""

    monkeypatch.setattr(following, "LONGEST_S", 0.0)  # a stream that does not end would hold its request up
    monkeypatch.setattr(following, "LOOK_S", 0.01)
    hub = replace(door.inner.hub, objects=FolderStore(tmp_path), upload_bytes=1 << 20)
    inner = Door(hub, door.inner.tokens, door.inner.people, _uncounted, _submit)
    app = make_app(inner, ready, structlog.get_logger(), CollectorRegistry(), Path("no-pages"))
    port = free_port()
    serving = asyncio.ensure_future(serve(app, port, linger_s=1))
    yield Served(f"http://127.0.0.1:{port}", door, Counter())
    serving.cancel()
    await asyncio.wait([serving])


def document() -> dict[str, Any]:
    async def ready() -> str:
        return ""

    described: dict[str, Any] = make_api(None, ready, Path("no-pages")).openapi()  # type: ignore[arg-type]
    return described


def operations(described: dict[str, Any] | None = None) -> Iterator[Any]:
    for found in schemathesis.openapi.from_dict(described or document()).get_all_operations():
        assert isinstance(found, Ok), found
        yield found.ok()


async def tried(served: Served, operation: Any, requests: int) -> list[str]:
    """What is wrong with an operation's answers."""
    person, agent = await served.caller(operation.method)
    known = {"agent_id": agent}
    wrong: list[str] = []

    def one(case: Case[Any], *, lead_somewhere: bool) -> None:
        if lead_somewhere:
            case.path_parameters = {
                name: known.get(name, value) for name, value in (case.path_parameters or {}).items()
            }
        answer = case.call(base_url=served.url, headers=person.headers, timeout=120)
        served.statuses[answer.status_code] += 1
        try:
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as failed:
            wrong.extend(
                f"{operation.label} {answer.status_code}: {one!r} {answer.text[:300]}" for one in failed.exceptions
            )

    def all_of(mode: GenerationMode) -> None:
        case_of = operation.as_strategy(generation_mode=mode)
        limits = settings(
            max_examples=requests,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        run = limits(given(case=case_of, lead_somewhere=st.booleans())(one))
        (seed(int(os.environ.get("AIOX_TEST_SEED", "0")))(run))()

    await asyncio.to_thread(all_of, GenerationMode.POSITIVE)
    with suppress(Unsatisfiable):  # an operation that takes any text has no request that does not fit
        await asyncio.to_thread(all_of, GenerationMode.NEGATIVE)
    return wrong


@pytest.mark.timeout(900)
async def test_every_operation_answers_as_the_document_says(served: Served) -> None:
    wrong = [line for operation in operations() for line in await tried(served, operation, SHORT)]
    assert not wrong, "\n".join(wrong)
    assert {200, 404, 422} <= set(served.statuses), "hardly anything was reached"


@pytest.mark.prove
async def test_every_operation_answers_as_the_document_says_at_length(served: Served) -> None:
    wrong, count = [], 0
    for operation in operations():
        wrong += await tried(served, operation, LONG)
        count += 1
    note(
        f"OpenAPI: {count} operations, {served.statuses.total()} requests, "
        f"{sum(number for status, number in served.statuses.items() if status >= 500)} server errors, "
        f"{len(wrong)} undocumented answers"
    )
    assert not wrong, "\n".join(wrong)


@pytest.mark.control
async def test_control_an_answer_that_the_document_does_not_name_is_found(served: Served) -> None:
    described = document()
    del described["paths"]["/v1/agents"]["get"]["responses"]["200"]
    described["paths"] = {"/v1/agents": {"get": described["paths"]["/v1/agents"]["get"]}}
    [operation] = operations(described)
    assert any("200" in line for line in await tried(served, operation, 1))


def test_no_schema_takes_or_gives_anything_at_all() -> None:
    """No free-form objects, but for arguments of tools, and JSON Schemas: their form, and that of promised answers."""
    free: list[str] = []

    def walk(node: Any, where: str) -> None:
        if isinstance(node, dict):
            said = ("properties", "patternProperties", "propertyNames")
            if node.get("type") == "object" and not any(one in node for one in said):
                typed = node.get("additionalProperties", {})
                if typed in ({}, True):
                    free.append(where)
            for name, value in node.items():
                if name not in ("example", "examples", "default", ACTION_KEY):
                    walk(value, f"{where}/{name}")
        elif isinstance(node, list):
            for number, value in enumerate(node):
                walk(value, f"{where}/{number}")

    walk(document(), "")
    named = ("argument", "/response_schema", "/input_schema")
    assert [place for place in free if not any(name in place for name in named)] == []
