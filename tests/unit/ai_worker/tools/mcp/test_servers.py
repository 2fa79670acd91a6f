"""Meeting the first MCP server takes an import of seconds: nobody else waits for it."""

from __future__ import annotations

import asyncio
import threading

import pytest

from ai_worker.tools.mcp import servers


async def test_the_loop_runs_while_the_sdk_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    seen, imported = threading.Event(), list[str]()

    def slow(name: str) -> None:
        assert seen.wait(60), "the loop stood still"
        imported.append(name)

    monkeypatch.setattr(servers, "_SDK", ("a.module.that.is.not.there",))
    monkeypatch.setattr(servers, "import_module", slow)
    importing = asyncio.ensure_future(servers.have_sdk())
    await asyncio.sleep(0.05)
    assert not importing.done()
    seen.set()
    await importing
    assert imported == ["a.module.that.is.not.there"]


async def test_what_is_there_is_not_imported_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "_SDK", ("asyncio",))
    monkeypatch.setattr(servers, "import_module", lambda _: pytest.fail("it is there"))
    await servers.have_sdk()
