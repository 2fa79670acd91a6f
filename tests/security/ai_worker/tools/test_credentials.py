"""A tool's credential reaches its server and nobody else: not the model, not the log."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web

from ai_worker.sandbox.bubblewrap import Bubblewrap
from ai_worker.tools import act
from ai_worker.tools.act import Hands, blotted
from ai_worker.tools.port import Allowed, Ended, Given, Means
from ai_worker.tools.registry import tools_of
from ai_worker.words import ToolCall, ToolOffer
from aiox.kernel.tools import Terms, known_tools
from aiox.runtime.clock import SystemClock
from aiox.runtime.crash import no_hook
from aiox.runtime.egress.reach import Reach
from aiox.runtime.egress.transport import Egress
from tests.security.ai_worker.tools.mail_server import mail_server

CANARY = "canary-4711-secret"
LETTER = {"to": ["friend@example.org"], "subject": "Hello", "body": "x"}


class Desk:
    """Grants every call with one credential."""

    def __init__(self, given: Given) -> None:
        self.given = given

    async def ask(self, *_: object) -> Allowed:
        return Allowed(self.given)

    def held(self, *_: object) -> None: ...

    def told(self, _index: int, _ended: Ended) -> None: ...


async def shown(name: str, arguments: Mapping[str, Any], given: Given, *internal: str) -> str:
    """What the model is shown of a call."""
    reach, known = Reach(internal), known_tools("")
    tools = tools_of("", Means(Bubblewrap(SystemClock()), Egress(reach), reach))
    offers = {name: ToolOffer(name, known[name].description, known[name].schema)}
    desk: Any = Desk(given)
    hands = Hands(offers, tools, desk, SystemClock(), no_hook, "x")
    return await hands.act(ToolCall(uuid4().hex, name, json.dumps(arguments)))


@asynccontextmanager
async def echo() -> AsyncIterator[int]:
    """A search engine that sends back whatever it is sent, as one of its results."""

    async def serve(request: web.Request) -> web.Response:
        found = {"title": str(dict(request.headers)), "url": "http://a.example/", "content": str(dict(request.headers))}
        return web.json_response({"results": [found]})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", serve)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def cases() -> list[str]:
    """Each tool with a credential, where it works and where it fails."""
    terms = Terms(timeout_ms=20_000, allowed_tables=("orders",))
    sql = {"sql": "SELECT id FROM orders"}
    async with mail_server() as letters, echo() as port:
        mail, web_at = f"127.0.0.1:{letters.port}", f"127.0.0.1:{port}"
        search = Given(terms, f"http://{web_at}", CANARY)
        return [
            await shown("search_api", {"query": "x"}, search, web_at),
            await shown("search_api", {"query": "x"}, search),
            await shown("email_sender", LETTER, Given(terms, secret=f"smtp://ada:{CANARY}@{mail}/?from=a@b.org"), mail),
            await shown("email_sender", LETTER, Given(terms, secret=f"smtp://{mail}/?from=a@b.org&x={CANARY}"), mail),
            await shown("email_sender", LETTER, Given(terms, secret=f"nonsense {CANARY}")),
            await shown("database_query", sql, Given(terms, secret=f"postgresql://u:{CANARY}@{mail}/d"), mail),
            await shown("database_query", sql, Given(terms, secret=f"postgresql://u:{CANARY}@localhost/d")),
            await shown("database_query", sql, Given(terms, secret=f"mysql://u:{CANARY}@h/d")),
        ]  # fmt: skip


async def test_no_credential_is_shown_or_logged(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    found = await cases()
    assert [one for one in found if CANARY in one] == []
    assert [json.loads(one)["status"] for one in found].count("done") == 2
    printed = capsys.readouterr()
    assert CANARY not in f"{caplog.text}{printed.out}{printed.err}"


@pytest.mark.control
async def test_not_blotted_out_the_other_side_puts_it_before_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(act, "blotted", lambda result, _secret: result)
    assert CANARY in "".join(await cases())


def test_what_is_blotted_out() -> None:
    url = "smtps://ada:p%40ss-word@mail.example:465/?from=a@b.org"
    assert blotted(f"{url} p%40ss-word p@ss-word ada", url) == "(a credential) (a credential) (a credential) ada"
    assert blotted("nothing", "") == "nothing"
    assert blotted("abc", "abc") == "abc"  # so short that it would blot out words
    assert blotted("x", "http://[::1") == "x"


def test_what_carries_a_credential_does_not_show_it() -> None:
    assert CANARY not in repr(Given(Terms(), "http://a.example", CANARY))
