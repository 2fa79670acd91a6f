"""`aiox agent memories`: what an agent remembers about its owner."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from aiox.runtime.settings import load_settings

if TYPE_CHECKING:
    from aiox.cli.agents import Work

app = typer.Typer(
    help="What an agent remembers about you: list, write, change, forget. Nobody sees what it remembers about others.",
    no_args_is_help=True,
)

Owner = Annotated[str, typer.Option(help="the account's e-mail address or JID; left out: the demo's, or the only one")]
Which = Annotated[str, typer.Argument(help="the agent's id, address, alias or name", metavar="AGENT")]
Number = Annotated[int, typer.Argument(help="the entry's number in the list", min=1, metavar="NUMBER")]
Words = Annotated[str, typer.Argument(help="what it is to remember", metavar="WORDS")]


@app.command("list")
def list_all(agent: Which, owner: Owner = "") -> None:
    """What an agent remembers, with numbers."""
    from aiox.cli.memories import listed

    _with(owner, agent, listed)


@app.command("add")
def add(agent: Which, words: Words, owner: Owner = "") -> None:
    """Have it remember something."""
    from aiox.cli.memories import added

    _with(owner, agent, partial(added, words=words))


@app.command("change")
def change(agent: Which, number: Number, words: Words, owner: Owner = "") -> None:
    """Put other words in an entry's place."""
    from aiox.cli.memories import changed

    _with(owner, agent, partial(changed, number=number, words=words))


@app.command("forget")
def forget(agent: Which, number: Number, owner: Owner = "") -> None:
    """Have it forget an entry."""
    from aiox.cli.memories import forgotten

    _with(owner, agent, partial(forgotten, number=number))


def sources(agent: Which, owner: Owner = "") -> None:
    """Who told you that? What an agent's last answer to its owner rested on."""
    from aiox.cli.memories import sources_of

    _with(owner, agent, sources_of)


def _with(owner: str, agent: str, work: Work) -> None:
    from aiox.cli.agents import with_agent

    print(asyncio.run(with_agent(load_settings(), owner, agent, work)))
