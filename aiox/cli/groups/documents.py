"""`aiox agent documents`: files that an agent knows."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aiox.runtime.settings import load_settings

if TYPE_CHECKING:
    from aiox.cli.agents import Work

app = typer.Typer(help="Files that an agent knows: give, list, show, delete.", no_args_is_help=True)

Owner = Annotated[str, typer.Option(help="the account's e-mail address or JID; left out: the demo's, or the only one")]
Which = Annotated[str, typer.Argument(help="the agent's id, address, alias or name", metavar="AGENT")]
One = Annotated[str, typer.Argument(help="the document's id, name or title", metavar="DOCUMENT")]


@app.command("add")
def add(
    agent: Which,
    files: Annotated[list[Path], typer.Argument(help="PDF, DOCX, HTML, Markdown, CSV or text", metavar="FILE...")],
    title: Annotated[str, typer.Option(help="what it is cited as; left out: its name")] = "",
    owner: Owner = "",
    *,
    wait: Annotated[bool, typer.Option(help="until the agent knows them")] = True,
) -> None:
    """Give an agent files to know, and watch until it knows them. The same name again replaces a file."""
    from aiox.cli.documents import add as give

    _with(owner, agent, partial(give, files=files, title=title, wait=wait))


@app.command("list")
def list_all(agent: Which, owner: Owner = "") -> None:
    """What an agent knows, and how far each file is."""
    from aiox.cli.documents import listed

    _with(owner, agent, listed)


@app.command("show")
def show(agent: Which, document: One, owner: Owner = "") -> None:
    """One file: size, kind, how far it is."""
    from aiox.cli.documents import shown

    _with(owner, agent, partial(shown, document=document))


@app.command("delete")
def delete(
    agent: Which,
    document: One,
    owner: Owner = "",
    *,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
) -> None:
    """Delete a file with all that was made of it."""
    from aiox.cli.documents import deleted

    if not yes and not typer.confirm(f"Delete {document} with its passages, for good?"):
        raise typer.Exit(1)
    _with(owner, agent, partial(deleted, document=document))


def _with(owner: str, agent: str, work: Work) -> None:
    from aiox.cli.agents import with_agent

    print(asyncio.run(with_agent(load_settings(), owner, agent, work)))
