"""`aiox hub`: this hub among others."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from aiox.runtime.settings import load_settings

app = typer.Typer(help="The keys by which hubs know each other.", no_args_is_help=True)


@app.command("keys")
def hub_keys() -> None:
    """Print this hub's keys, and those that it has pinned of others."""
    from aiox.cli.hubs import keys

    print(asyncio.run(keys(load_settings())))


@app.command("unpin")
def hub_unpin(domain: Annotated[str, typer.Argument(help="the other hub")]) -> None:
    """Take a hub's keys anew, and begin anew with its ledger: after you have asked its operator what happened."""
    from aiox.cli.hubs import unpin

    print(asyncio.run(unpin(load_settings(), domain)))


@app.command("rotate-key")
def hub_rotate_key() -> None:
    """Let a new key sign this hub's documents, and co-sign, beside the old one."""
    from aiox.cli.hubs import rotate_key

    print(asyncio.run(rotate_key(load_settings())))


@app.command("retire-key")
def hub_retire_key() -> None:
    """Let the newest key sign alone, when other hubs have had time to see both."""
    from aiox.cli.hubs import retire_key

    print(asyncio.run(retire_key(load_settings())))
