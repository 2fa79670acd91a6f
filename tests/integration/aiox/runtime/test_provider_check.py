"""A credential is tested with a real request: what an endpoint says, and what it means when it says nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from aiox.runtime import provider_check
from aiox.runtime.provider_check import ENDPOINTS, check_provider
from tests.ports import free_port

GOOD = "sk-good-0123456789"


class Provider:
    """An OpenAI-compatible endpoint with one good key."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.base = ""

    async def answer(self, request: web.Request) -> web.Response:
        key = request.headers.get("Authorization", "")
        self.asked.append((request.path, key))
        if key == f"Bearer {GOOD}":
            return web.json_response({"data": [{"id": "tiny"}]})
        if key == "Bearer sk-old":
            return web.json_response({"error": {"code": "key_expired", "message": "too old"}}, status=401)
        if key == "Bearer sk-away":
            return web.json_response({"error": "down"}, status=503)
        if key == "Bearer sk-moved":
            raise web.HTTPFound("http://127.0.0.1:1/elsewhere")
        return web.Response(text=f"no: {key}", status=401)


@pytest.fixture
async def provider() -> AsyncIterator[Provider]:
    made = Provider()
    app = web.Application()
    app.router.add_get("/v1/models", made.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    made.base = f"http://127.0.0.1:{port}/v1"
    yield made
    await runner.cleanup()


@pytest.mark.parametrize(
    ("key", "status"),
    [
        (GOOD, "valid"),
        ("sk-wrong", "invalid"),
        ("", "invalid"),
        ("sk-old", "expired"),
        ("sk-away", "untested"),
        ("sk-moved", "untested"),
    ],
)
async def test_what_the_endpoint_says(provider: Provider, key: str, status: str) -> None:
    found = await check_provider("openai", provider.base, key)
    assert found.status == status
    assert provider.asked == [("/v1/models", f"Bearer {key}" if key else "")]
    assert not key or key not in found.reason


async def test_nobody_listens() -> None:
    found = await check_provider("openai", f"http://127.0.0.1:{free_port()}/v1", GOOD)
    assert found.status == "untested"
    assert "could not be reached" in found.reason


async def test_it_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(_: web.Request) -> web.Response:
        raise web.HTTPRequestTimeout

    monkeypatch.setattr(provider_check, "TIMEOUT_S", 0.05)
    runner = web.ServerRunner(web.Server(_hang))
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        found = await check_provider("openai", f"http://127.0.0.1:{port}", GOOD)
    finally:
        await runner.cleanup()
    assert found.status == "untested"
    assert "did not answer" in found.reason


async def _hang(_: web.BaseRequest) -> web.StreamResponse:
    import asyncio

    await asyncio.sleep(1)
    return web.Response(text=json.dumps({}))


async def test_a_provider_nobody_knows() -> None:
    assert (await check_provider("somebody", "", GOOD)).status == "untested"


def test_known_providers_are_asked_over_tls() -> None:
    assert [name for name, one in ENDPOINTS.items() if not one.base.startswith("https://")] == ["ollama"]
