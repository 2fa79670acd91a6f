"""`aiox agent mcp ...`: MCP servers of an agent, for the account that the operator speaks for."""

from __future__ import annotations

import asyncio
from typing import Final

from aiox.cli.agents import Desk, done, form
from aiox.cli.stack.trouble import CannotGoOn
from aiox.commands import mcp_servers
from aiox.commands.mcp_servers import ApproveTool, ServerShown, ToolShown, WhichAgentsServers, WhichServer, WhichTool
from policy.approval_text import visible
from policy.mcp import Standing
from registry.agents import AgentSummary
from registry.mcp_servers import LookState

POLL_S: Final = 0.3
PATIENCE_S: Final = 120.0
_SAID: Final = {
    Standing.APPROVED: "approved",
    Standing.NEW: "waits for your approval",
    Standing.CHANGED: "CHANGED since it was approved: not called",
    Standing.GONE: "approved, and not there any more",
    Standing.NOT_LISTED: "not in allowed_tools",
}


async def listed(here: Desk, agent: AgentSummary) -> str:
    """All servers and tools of the agent."""
    found = await _all(here, agent)
    return "\n".join(map(_text, found)) or f"{agent.name} has no MCP servers. Mend: add mcp_servers and publish."


async def looked(here: Desk, agent: AgentSummary, server: str) -> str:
    """Has a server looked at, waits for the outcome and shows it. Raises CannotGoOn."""
    done(await mcp_servers.look(here.hub, here.actor, form(WhichServer, {"agent_id": agent.id, "server": server})))
    async with asyncio.timeout(PATIENCE_S):
        while True:
            one = next(one for one in await _all(here, agent) if one.server == server)
            if one.state is not LookState.ASKED:
                break
            await asyncio.sleep(POLL_S)
    if one.state is LookState.FAILED:
        raise CannotGoOn(f"{server} could not be looked at: {one.error}")
    return _text(one)


async def approved(here: Desk, agent: AgentSummary, server: str, tool: str, digest: str) -> str:
    """Approves a tool as it was seen; `digest` may be its first characters. Raises CannotGoOn."""
    one = next((one for one in await _all(here, agent) if one.server == server), None)
    seen = next((each for each in one.tools if each.tool == tool), None) if one else None
    if seen is None or len(digest) < 8 or not seen.digest.startswith(digest.lower()):
        raise CannotGoOn(f"no such tool was seen with that digest. Mend: aiox agent mcp look {agent.id} {server}")
    fields = form(ApproveTool, {"agent_id": agent.id, "server": server, "tool": tool, "digest": seen.digest})
    done(await mcp_servers.approve(here.hub, here.actor, fields))
    return f"{agent.name} may call {seen.called} while it is what you have seen ({seen.digest[:8]})."


async def withdrawn(here: Desk, agent: AgentSummary, server: str, tool: str) -> str:
    """Takes an approval back."""
    fields = form(WhichTool, {"agent_id": agent.id, "server": server, "tool": tool})
    done(await mcp_servers.withdraw(here.hub, here.actor, fields))
    return f"{tool} of {server} is not called any more."


async def _all(here: Desk, agent: AgentSummary) -> list[ServerShown]:
    fields = WhichAgentsServers(agent_id=agent.id)
    return list(done(await mcp_servers.list_all(here.hub, here.actor, fields)))


def _text(one: ServerShown) -> str:
    state = f"{one.state}{f': {one.error}' if one.error else ''}" if one.state else "nobody has looked at it yet"
    return "\n".join([f"{one.server} ({one.transport}): {state}", *map(_line, one.tools)])


def _line(tool: ToolShown) -> str:
    """A server's words are shown on one line in which nothing hides."""
    digest = tool.digest[:8] or "--------"
    return f"  {digest}  {tool.tool}  {_SAID[tool.standing]}  {visible(tool.description[:200])}"
