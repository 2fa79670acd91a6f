"""`aiox agent mcp`: MCP servers of an agent, and which of their tools it may call."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from aiox.runtime.settings import load_settings

if TYPE_CHECKING:
    from aiox.cli.agents import Work

app = typer.Typer(help="MCP servers of an agent: look at them, approve their tools.", no_args_is_help=True)

Owner = Annotated[str, typer.Option(help="the account's e-mail address or JID; left out: the demo's, or the only one")]
Which = Annotated[str, typer.Argument(help="the agent's id, address, alias or name", metavar="AGENT")]
Server = Annotated[str, typer.Argument(help="the server's name, as in mcp_servers", metavar="SERVER")]
Tool = Annotated[str, typer.Argument(help="the tool's name, as its server says", metavar="TOOL")]


@app.command("list")
def list_all(agent: Which, owner: Owner = "") -> None:
    """The agent's servers, what they were seen to offer, and how each tool stands."""
    from aiox.cli.mcp import listed

    _with(owner, agent, listed)


@app.command("look")
def look(agent: Which, server: Server, owner: Owner = "") -> None:
    """Have a worker look at what a server offers."""
    from aiox.cli.mcp import looked

    _with(owner, agent, partial(looked, server=server))


@app.command("approve")
def approve(
    agent: Which,
    server: Server,
    tool: Tool,
    digest: Annotated[str, typer.Argument(help="of the tool as you have seen it, 8 characters at least")],
    owner: Owner = "",
) -> None:
    """Let the agent call a tool while it is what you have seen."""
    from aiox.cli.mcp import approved

    _with(owner, agent, partial(approved, server=server, tool=tool, digest=digest))


@app.command("withdraw")
def withdraw(agent: Which, server: Server, tool: Tool, owner: Owner = "") -> None:
    """Take an approval back: the tool is not called any more."""
    from aiox.cli.mcp import withdrawn

    _with(owner, agent, partial(withdrawn, server=server, tool=tool))


def _with(owner: str, agent: str, work: Work) -> None:
    from aiox.cli.agents import with_agent

    print(asyncio.run(with_agent(load_settings(), owner, agent, work)))
