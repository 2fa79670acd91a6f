"""Odd spellings of paths: nothing under /v1 is reached without a token however it is written, and nothing breaks."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from fastapi import FastAPI

from aiox.kernel.errors import ErrorCode
from gateway.access import Authenticated
from gateway.errors import Stopped
from gateway.guard import App, Body, Scope

SECRET = "the list of agents"
_SEEDS = ("/v1/agents", "/v1/agents/", "/v1/agents/00000000-0000-4000-8000-000000000001", "/v1/events", "/v1")
_TWISTS = (
    *("//{}", "/.{}", "/..{}", "/x/..{}", "{}/.", "{}/..", "{}//", "{};x=1", "{};", "{}?", "{}?x", "{}#x", "{}%20"),
    *("{}%00", "{}%0a", "{}%0d%0aX: 1", "{}%2f", "{}%5c", "{}\\", "{}.json", "{}~", "{}*", "{}%", "{}%zz", "{}%c0%af"),
    *("/%2e{}", "/%2e%2e{}", "/static{}", "{}/%2e%2e/agents", "{}?_method=GET", "http://localhost{}", "/{}"),
)
SPELLINGS = sorted({twist.format(seed) for seed in _SEEDS for twist in _TWISTS} | {"/V1/agents", "/v1/Agents", "/%761"})


class Nobody:
    """A door at which no token is good."""

    async def actor(self, _authorization: str) -> None:
        raise Stopped(ErrorCode.INVALID_TOKEN)


def app(*, guarded: bool) -> App:
    api = FastAPI(redirect_slashes=False, docs_url=None, redoc_url=None, openapi_url=None)

    @api.get("/v1/agents")
    @api.get("/v1/events")
    async def listed() -> str:
        return SECRET

    body = Body(api)
    return Authenticated(body, Nobody()) if guarded else body  # type: ignore[arg-type]


async def ask(inside: App, target: str) -> tuple[int, str]:
    """Sends the target as it is written: clients tidy it up, attackers do not."""
    raw, _, query = target.partition("?")
    answer: dict[str, object] = {"status": 0, "text": ""}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": unquote(raw),
        "raw_path": raw.encode("latin-1", "replace"),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"host", b"localhost")],
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 80),
    }

    async def receive() -> Scope:
        return {"type": "http.request", "body": b""}

    async def send(message: Scope) -> None:
        if message["type"] == "http.response.start":
            answer["status"] = message["status"]
        else:
            answer["text"] = f"{answer['text']}{message.get('body', b'').decode()}"

    await inside(scope, receive, send)
    return int(str(answer["status"])), str(answer["text"])


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_no_spelling_reaches_anything_without_a_token(spelling: str) -> None:
    status, text = await ask(app(guarded=True), spelling)
    assert status in (401, 404, 405)
    assert SECRET not in text


@pytest.mark.control
async def test_control_without_the_guard_some_of_them_do() -> None:
    reached = [spelling for spelling in SPELLINGS if SECRET in (await ask(app(guarded=False), spelling))[1]]
    assert reached


def test_there_are_enough_of_them() -> None:
    assert len(SPELLINGS) >= 150
