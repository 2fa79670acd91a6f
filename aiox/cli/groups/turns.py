"""`aiox turns`: dead letters."""

from __future__ import annotations

import asyncio
from typing import Annotated
from uuid import UUID

import typer

from aiox.runtime.settings import load_settings

app = typer.Typer(
    help="Turns that were set aside after too many failed attempts, and turns to stop.", no_args_is_help=True
)

WhichTurn = Annotated[UUID, typer.Argument(help="id of the turn, from 'aiox turns list'", metavar="TURN")]


@app.command("list")
def turns_list() -> None:
    """Turns that wait for a decision, newest first."""
    from aiox.cli.turns import list_open

    print(asyncio.run(list_open(load_settings())))


@app.command("show")
def turns_show(turn: WhichTurn) -> None:
    """What is known of one: who, when, how often, why. Its text is for its owner only."""
    from aiox.cli.turns import show

    print(asyncio.run(show(load_settings(), turn)))


@app.command("retry")
def turns_retry(turn: WhichTurn) -> None:
    """Put the message on the bus again. Repeating this does not answer it twice."""
    from aiox.cli.turns import retry

    print(asyncio.run(retry(load_settings(), turn)))


@app.command("retract")
def turns_retract(
    execution: Annotated[UUID, typer.Argument(help="id of the turn's execution", metavar="EXECUTION")],
) -> None:
    """Take an answer back: its text is gone from the hub, and who got it is told."""
    from aiox.cli.turns import retract

    print(asyncio.run(retract(load_settings(), execution)))


@app.command("drop")
def turns_drop(turn: WhichTurn) -> None:
    """Give the message up and let its text go."""
    from aiox.cli.turns import drop

    print(asyncio.run(drop(load_settings(), turn)))


@app.command("cancel")
def turns_cancel(
    turn: Annotated[UUID, typer.Argument(help="id of a turn that was asked over HTTP", metavar="TURN")],
    owner: Annotated[str, typer.Option(help="who asked it: e-mail address or JID of the account")],
) -> None:
    """Stop a turn: its model call ends. What was used until then is counted; one that has ended stays as it is."""
    from aiox.cli.turns import cancel

    print(asyncio.run(cancel(load_settings(), owner, turn)))
