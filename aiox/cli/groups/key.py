"""`aiox key`: the hub's keys."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from aiox.kernel.units import KEY_KEEP_DAYS
from aiox.runtime.settings import load_settings

app = typer.Typer(help="Keys that encrypt what the hub stores.", no_args_is_help=True)


@app.command("list")
def key_list() -> None:
    """The hub's keys by number, which one is current, and what each wraps. Never the keys themselves."""
    from aiox.cli.keys import list_keys

    print(asyncio.run(list_keys(load_settings())))


@app.command("add")
def key_add() -> None:
    """Make a new key and give it to all services; 'aiox key rotate' makes it current."""
    from aiox.cli.keys import add

    print(asyncio.run(add(load_settings())))


@app.command("rotate")
def key_rotate(
    settle_s: Annotated[
        float | None,
        typer.Option(min=0, help="seconds to wait for turns that began with the old keys; as long as one may take"),
    ] = None,
) -> None:
    """Exchange all keys while the hub runs, and encrypt every record anew. Broken off, it goes on when called again."""
    from aiox.cli.keys import rotate

    print(asyncio.run(rotate(load_settings(), settle_s)))


@app.command("retire")
def key_retire(
    keep_days: Annotated[
        int, typer.Option(min=0, help="days that a tenant's old key is kept: a conversation in Redis may need it")
    ] = KEY_KEEP_DAYS,
) -> None:
    """Delete keys that nothing needs any more."""
    from aiox.cli.keys import retire

    print(asyncio.run(retire(load_settings(), keep_days)))
