"""`aiox agent rooms`: rooms that an agent is in."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from aiox.runtime.settings import load_settings

if TYPE_CHECKING:
    from aiox.cli.agents import Work

app = typer.Typer(help="Rooms that an agent is in: list, leave, what it reads there.", no_args_is_help=True)

Owner = Annotated[str, typer.Option(help="the account's e-mail address or JID; left out: the demo's, or the only one")]
Which = Annotated[str, typer.Argument(help="the agent's id, address, alias or name", metavar="AGENT")]
One = Annotated[str, typer.Argument(help="the room's address", metavar="ROOM")]


@app.command("list")
def list_all(agent: Which, owner: Owner = "") -> None:
    """Where it is, and where it was sent away."""
    from aiox.cli.rooms import listed

    _with(owner, agent, listed)


@app.command("leave")
def leave(agent: Which, room: One, owner: Owner = "") -> None:
    """Take it out of a room."""
    from aiox.cli.rooms import left

    _with(owner, agent, partial(left, room=room))


@app.command("context")
def context(
    agent: Which,
    room: One,
    owner: Owner = "",
    *,
    whole: Annotated[bool, typer.Option("--whole/--own", help="all that is said there, or only what is said to it")],
) -> None:
    """Let it read all that is said in a room, or only what is said to it."""
    from aiox.cli.rooms import context_set

    _with(owner, agent, partial(context_set, room=room, whole=whole))


def reactions(agent: Which, owner: Owner = "") -> None:
    """What people think of its answers, by version."""
    from aiox.cli.rooms import reactions_shown

    _with(owner, agent, reactions_shown)


def _with(owner: str, agent: str, work: Work) -> None:
    from aiox.cli.agents import with_agent

    print(asyncio.run(with_agent(load_settings(), owner, agent, work)))
