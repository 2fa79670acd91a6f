"""`aiox policy`: the hub's policy."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from aiox.kernel.ids import AgentId
from aiox.runtime.settings import load_settings

app = typer.Typer(
    help="The hub's policy: who may do what, beyond the profiles of docs/actions.md.", no_args_is_help=True
)

File = Annotated[Path, typer.Argument(help="a file with Cedar policies", metavar="FILE")]


@app.command("show")
def policy_show(
    version: Annotated[int | None, typer.Argument(help="show the text of this version", metavar="VERSION")] = None,
) -> None:
    """List the versions, the one that holds with a star; or show the text of one."""
    from aiox.cli.policy import show

    print(asyncio.run(show(load_settings(), version)))


@app.command("check")
def policy_check(file: File) -> None:
    """Say every reason why a text could not be published. Changes nothing."""
    from aiox.cli.policy import check

    print(asyncio.run(check(load_settings(), file)))


@app.command("publish")
def policy_publish(file: File) -> None:
    """Make a text the hub's policy. It holds in every process within 5 seconds, without a restart."""
    from aiox.cli.policy import publish

    print(asyncio.run(publish(load_settings(), file)))


@app.command("rollback")
def policy_rollback(version: Annotated[int, typer.Argument(min=1, metavar="VERSION")]) -> None:
    """Make an older version hold again."""
    from aiox.cli.policy import rollback

    print(asyncio.run(rollback(load_settings(), version)))


@app.command("try")
def policy_try(
    who: Annotated[str, typer.Argument(help="bare address of the person", metavar="JID")],
    action: Annotated[str, typer.Argument(help="action, from docs/actions.md", metavar="ACTION")],
    agent: Annotated[UUID | None, typer.Option(help="id of the agent it is asked of")] = None,
    channel: Annotated[str, typer.Option(help="xmpp or http")] = "",
    tool: Annotated[str, typer.Option(help="name of the tool, for the action tool.call")] = "",
) -> None:
    """Say what would happen if this person asked for that. Nothing is done."""
    from aiox.cli.policy import try_out

    agent_id = None if agent is None else AgentId(agent)
    print(asyncio.run(try_out(load_settings(), who, action, agent_id, channel, tool)))
