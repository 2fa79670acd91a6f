"""One session with one server, for the length of a turn: opened in a task of its own, asked from any."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

import mcp_types as types
from mcp import MCPError
from mcp.client.session import ClientSession

from ai_worker.sandbox.port import SandboxUnavailable
from ai_worker.tools.mcp.streams import Streams
from ai_worker.tools.pin import Place
from ai_worker.tools.port import ToolFailed
from aiox.kernel.mcp import MAX_TOOLS, SeenTool, seen_tool

OPENING_S: Final = 20.0
_PAGES: Final = 8
_WATCH_S: Final = 0.1
_GONE: Final = "The MCP server ended, or used up what it may use."

Open = Callable[[Place], AbstractAsyncContextManager[Streams]]


class Session:
    """Create it, run `live` in a task, then ask. A session that is over is not opened again: make another."""

    def __init__(self, place: Place, connect: Open) -> None:
        self._place = place
        self._connect = connect
        self._ready: asyncio.Future[ClientSession] = asyncio.get_running_loop().create_future()
        self._closing = asyncio.Event()
        self.over = False
        """Nothing can be asked any more."""

    async def live(self) -> None:
        """From start to end, in one task: the SDK's scopes want that. What breaks is told to whoever asks."""
        try:
            async with (
                self._connect(self._place) as streams,
                ClientSession(streams.incoming, streams.outgoing) as opened,
            ):
                async with asyncio.timeout(OPENING_S):
                    await opened.initialize()
                self._ready.set_result(opened)
                while streams.well() and not self._closing.is_set():
                    try:
                        async with asyncio.timeout(_WATCH_S):
                            await self._closing.wait()
                    except TimeoutError:
                        continue
        except asyncio.CancelledError:
            raise
        except (Exception, BaseExceptionGroup) as broken:  # noqa: BLE001 -- a stranger's; told by kind, not by its words
            self._fail(ToolFailed(_why(broken)))
        finally:
            self.over = True
            self._fail(ToolFailed(_GONE))

    def close(self) -> None:
        """Lets it end."""
        self._closing.set()

    async def tools(self) -> tuple[SeenTool, ...]:
        """What the server offers now. Raises ToolFailed."""
        opened, found = await self._opened(), dict[str, SeenTool]()
        cursor: str | None = None
        for _ in range(_PAGES):
            request = types.ListToolsRequest(params=types.PaginatedRequestParams(cursor=cursor) if cursor else None)
            page = await self._asked(opened, request, types.ListToolsResult)
            for tool in page.tools:
                seen = seen_tool(self._place.server, tool.name, tool.description or "", dict(tool.input_schema))
                if seen is not None and len(found) < MAX_TOOLS:
                    found.setdefault(seen.name, seen)
            cursor = page.next_cursor
            if not cursor:
                break
        return tuple(found[name] for name in sorted(found))

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> str:
        """Calls a tool and gives what it says as text. Raises ToolFailed, also for what the server calls an error.

        Not by the SDK's own call: that one checks results by a schema of the server's, with its patterns.
        """
        request = types.CallToolRequest(params=types.CallToolRequestParams(name=tool, arguments=dict(arguments)))
        result = await self._asked(await self._opened(), request, types.CallToolResult)
        said = _text(result)
        if result.is_error:
            raise ToolFailed(f"The tool says that it failed: {said}")
        return said

    async def _opened(self) -> ClientSession:
        return await asyncio.shield(self._ready)

    async def _asked(self, opened: ClientSession, request: Any, kind: Any) -> Any:
        try:
            return await opened.send_request(request, kind)
        except MCPError as refused:
            if refused.error.code == types.CONNECTION_CLOSED:
                self.over = True
                self.close()
                raise ToolFailed(_GONE) from None
            raise ToolFailed(f"The MCP server refused it (code {refused.error.code}).") from None
        except ValueError:
            raise ToolFailed("The MCP server answered what is no answer.") from None

    def _fail(self, why: ToolFailed) -> None:
        if not self._ready.done():
            self._ready.set_exception(why)
            self._ready.exception()  # nobody may ask any more


def _why(broken: BaseException) -> str:
    """A sentence with nothing of the server's words in it."""
    found = _within(broken)
    for one in found:
        if isinstance(one, SandboxUnavailable):
            return str(one)
    if any(isinstance(one, TimeoutError) for one in found):
        return f"The MCP server was not ready within {OPENING_S:g} seconds."
    return f"The MCP server could not be spoken with ({type(found[0]).__name__})."


def _within(broken: BaseException) -> list[BaseException]:
    if isinstance(broken, BaseExceptionGroup):
        return [one for inner in broken.exceptions for one in _within(inner)]
    return [broken]


def _text(result: types.CallToolResult) -> str:
    """All that was said; what is no text by its kind and size."""
    parts = [_part(block) for block in result.content]
    if result.structured_content is not None and not any(isinstance(one, types.TextContent) for one in result.content):
        parts.append(json.dumps(result.structured_content, ensure_ascii=False))
    return "\n".join(parts)


def _part(block: Any) -> str:
    if isinstance(block, types.TextContent):
        return block.text
    if isinstance(block, types.EmbeddedResource) and isinstance(block.resource, types.TextResourceContents):
        return block.resource.text
    return f"({block.type} that is no text)"
