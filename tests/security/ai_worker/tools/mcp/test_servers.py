"""MCP servers are strangers: in the sandbox or behind the one way out, asked only for what was approved."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from pathlib import Path

import pytest

from ai_worker.tools.port import Given, ToolChanged, ToolFailed
from aiox.kernel.tools import Terms
from tests.security.ai_worker.tools.mcp.little_server import CALLED, peeked, reached, server
from tests.security.ai_worker.tools.mcp.meeting import called, http, over_http, seen, stdio, strangers


@pytest.fixture(scope="module")
async def digests() -> Mapping[str, str]:
    """Of the little server's tools in the sandbox, as they were approved."""
    return await seen(strangers(), stdio())


async def test_a_server_in_the_sandbox_works_reaches_nothing_and_is_gone_with_the_turn(
    digests: Mapping[str, str], tmp_path: Path
) -> None:
    os.environ["CANARY"] = "canary-4711"
    secret = str(change(tmp_path))
    met, little, before = strangers(), stdio(), set(started())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        async with met.of_turn() as servers:
            assert await called(servers, little, "add", digests["add"], a=1, b=2) == "3"
            assert set(started()) - before
            assert await called(servers, little, "total", digests["total"], pair={"a": 4, "b": 5}) == "9"
            assert await called(servers, little, "peek", digests["peek"], path=secret) == "FileNotFoundError"
            said = await called(servers, little, "reach", digests["reach"], host="127.0.0.1", port=port)
            assert said == "PermissionError"
            assert "canary" not in await called(servers, little, "environment", digests["environment"])
    assert set(started()) <= before


@pytest.mark.control
def test_without_the_sandbox_the_same_tools_do_reach(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert peeked(str(change(tmp_path))) == "changed"
        assert reached("127.0.0.1", listener.getsockname()[1]) == "connected"


def started() -> list[str]:
    """Ids of the children of this process."""
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


def change(folder: Path) -> Path:
    """The little server says something else from now on. Whoever runs inside is another user."""
    form = folder / "form"
    form.write_text("changed")
    form.chmod(0o644)
    folder.chmod(0o755)
    return form


async def test_a_server_that_hangs_or_ends_is_started_anew_three_times_at_most(digests: Mapping[str, str]) -> None:
    met, little = strangers(), stdio()
    async with met.of_turn() as servers:
        assert await called(servers, little, "add", digests["add"], a=1, b=1) == "2"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await called(servers, little, "hang", digests["hang"])
        for _ in range(2):
            with pytest.raises(ToolFailed, match="ended"):
                await called(servers, little, "leave", digests["leave"])
        with pytest.raises(ToolFailed, match="not started again"):
            await called(servers, little, "add", digests["add"], a=1, b=1)


async def test_a_program_that_is_no_server_fails_in_a_sentence() -> None:
    met = strangers()
    late = "import time; time.sleep(0.5); print('x' * 3000000)"
    for command in (("python3", "-c", "print('hello')"), ("nothing-of-this-name",), ("python3", "-c", late)):
        odd = stdio().model_copy(update={"command": command})
        with pytest.raises(ToolFailed):
            await seen(met, odd)


async def test_over_http_it_works_by_the_way_out_with_its_credential() -> None:
    asked: list[tuple[str, str]] = []
    async with over_http(server(), asked) as port:
        met, little = strangers([f"127.0.0.1:{port}"]), http(port)
        digests = await seen(met, little)
        async with met.of_turn() as servers:
            assert await called(servers, little, "add", digests["add"], secret="token-4711", a=20, b=3) == "23"
    assert {method for method, _ in asked} == {"POST", "DELETE"}
    assert asked[-1][1] == "Bearer token-4711"


async def test_a_server_that_nobody_may_reach_is_not_asked() -> None:
    asked: list[tuple[str, str]] = []
    async with over_http(server(), asked) as port:
        with pytest.raises(ToolFailed):
            await seen(strangers(), http(port))  # not public
        with pytest.raises(ToolFailed):
            await seen(strangers([f"127.0.0.1:{port}"]), http(port), domains=("other.example",))
        with pytest.raises(ToolFailed):
            await seen(strangers([f"127.0.0.1:{port}"]), http(port), domains=())
    assert asked == []


async def test_a_changed_tool_is_not_called() -> None:
    """Its description is another than what was approved: nothing reaches the tool."""
    CALLED.clear()
    little_one = server()
    async with over_http(little_one) as port:
        met, little = strangers([f"127.0.0.1:{port}"]), http(port)
        before = await seen(met, little)
        little_one.remove_tool("add")
        little_one.add_tool(lambda a, b: CALLED.append("add"), name="add", description="Adds two numbers, and more.")
        async with met.of_turn() as servers:
            with pytest.raises(ToolChanged):
                await called(servers, little, "add", before["add"], a=1, b=1)
    assert CALLED == []


async def test_a_changed_tool_in_the_sandbox_is_not_called(digests: Mapping[str, str], tmp_path: Path) -> None:
    change(tmp_path)
    little = stdio()
    async with strangers(code={"forms": tmp_path}).of_turn() as servers:
        with pytest.raises(ToolChanged):
            await called(servers, little, "add", digests["add"], a=1, b=1)
        assert await called(servers, little, "total", digests["total"], pair={"a": 1}) == "1"
        with pytest.raises(ToolChanged):
            await called(servers, little, "nothing", digests["add"])


@pytest.mark.control
async def test_without_the_pin_the_changed_tool_is_called(
    digests: Mapping[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(tmp_path)
    monkeypatch.setattr("ai_worker.tools.mcp.servers.is_pinned", lambda _pin, _offered: True)
    async with strangers(code={"forms": tmp_path}).of_turn() as servers:
        assert await called(servers, stdio(), "add", digests["add"], a=1, b=1) == "2"


async def test_a_grant_without_a_server_calls_nothing() -> None:
    async with strangers().of_turn() as servers:
        with pytest.raises(ToolFailed, match="named no MCP server"):
            await servers.run({}, Given(Terms()))
