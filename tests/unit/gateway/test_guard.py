"""The guard around requests, without any application worth the name inside."""

from __future__ import annotations

import asyncio

import asyncpg
import httpx
import pytest
import structlog
from prometheus_client import CollectorRegistry

from aiox.runtime.clock import SystemClock
from gateway.guard import App, Body, Guard, Receive, Scope, Send
from gateway.metrics import HttpMetrics


def guarded(app: App, registry: CollectorRegistry, timeout_s: float = 5) -> httpx.AsyncClient:
    guard = Guard(Body(app), structlog.get_logger(), SystemClock(), HttpMetrics(registry), timeout_s)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=guard), base_url="http://hub")


async def echo(_: Scope, receive: Receive, send: Send) -> None:
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": message.get("body", b"")})


async def broken(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise RuntimeError("the secret is 42")


async def stuck(_scope: Scope, _receive: Receive, _send: Send) -> None:
    await asyncio.Event().wait()


async def test_json_goes_through_whole() -> None:
    async with guarded(echo, CollectorRegistry()) as client:
        answer = await client.post("/v1/x", json={"a": "b" * 100_000})
    assert answer.status_code == 200
    assert len(answer.content) > 100_000
    assert answer.headers["cache-control"] == "no-store"


async def test_a_bug_inside_is_an_internal_problem_without_details() -> None:
    registry = CollectorRegistry()
    async with guarded(broken, registry) as client:
        answer = await client.get("/v1/x")
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL")
    assert "42" not in answer.text
    labels = {"method": "GET", "route": "other", "status": "500"}
    assert registry.get_sample_value("http_requests_total", labels) == 1


@pytest.mark.parametrize("gone", [OSError("no object store"), asyncpg.ConnectionDoesNotExistError("closed")])
async def test_a_store_that_is_away_is_said_with_when_to_come_again(gone: Exception) -> None:
    async def away(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise gone

    async with guarded(away, CollectorRegistry()) as client:
        answer = await client.get("/v1/x")
    assert (answer.status_code, answer.json()["code"]) == (503, "HUB_BUSY")
    assert int(answer.headers["retry-after"]) > 0
    assert str(gone) not in answer.text


async def test_a_request_that_takes_too_long_is_given_up() -> None:
    async with guarded(stuck, CollectorRegistry(), timeout_s=0.05) as client:
        answer = await client.get("/v1/x")
    assert (answer.status_code, answer.json()["code"]) == (504, "TIMEOUT")


@pytest.mark.parametrize("length", ["1048577", "99999999999999999999"])
async def test_an_announced_length_is_enough_to_refuse(length: str) -> None:
    async with guarded(echo, CollectorRegistry()) as client:
        headers = {"content-length": length, "content-type": "application/json"}
        answer = await client.post("/v1/x", content=b"{}", headers=headers)
    assert answer.status_code == 413


async def test_bodies_of_get_are_not_read() -> None:
    async with guarded(echo, CollectorRegistry()) as client:
        answer = await client.request("GET", "/v1/x", content=b"x" * (2 << 20))
    assert answer.status_code == 200


async def test_no_nul_comes_in_by_path_or_query() -> None:
    async with guarded(echo, CollectorRegistry()) as client:
        assert (await client.get("/v1/x?a=%00")).status_code == 422
        assert (await client.get("/v1/x%00")).status_code == 404
        assert (await client.get("/v1/x?a=%2500")).status_code == 200


async def test_a_stream_may_take_longer_than_a_request() -> None:
    async def stream(_scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await asyncio.sleep(0.2)
        await send({"type": "http.response.body", "body": b"data: 1\n\n"})

    registry = CollectorRegistry()
    async with guarded(stream, registry, timeout_s=0.05) as client:
        assert (await client.get("/v1/x")).text == "data: 1\n\n"
    labels = {"method": "GET", "route": "other", "status": "200"}
    assert (registry.get_sample_value("http_request_duration_seconds_sum", labels) or 1) < 0.2  # until it began


async def test_a_statement_that_the_database_gave_up_is_a_timeout() -> None:
    async def slow(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise asyncpg.QueryCanceledError("canceling statement due to statement timeout")

    async with guarded(slow, CollectorRegistry()) as client:
        answer = await client.get("/v1/x")
    assert (answer.status_code, answer.json()["code"]) == (504, "TIMEOUT")
