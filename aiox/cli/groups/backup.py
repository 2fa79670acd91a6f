"""`aiox backup`: copies of the running hub."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from aiox.runtime.settings import load_settings

app = typer.Typer(help="Copies of the whole hub: databases, keys, files, what waits.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(help="a backup")]


@app.command("create")
def backup_create(
    file: Annotated[
        Path | None, typer.Argument(help="where it goes; the folder of scheduled ones when left out")
    ] = None,
) -> None:
    """Copy the running hub into one file. The hub goes on meanwhile."""
    from aiox.cli.backups import create

    print(asyncio.run(create(load_settings(), file)))


@app.command("list")
def backup_list() -> None:
    """Backups in the hub's folder, the newest first, and how their trial ended."""
    from aiox.cli.backups import listed

    print(listed(load_settings()))


@app.command("verify")
def backup_verify(file: File) -> None:
    """Restore a backup into a throw-away folder, prove ledger and schema there, and delete it. Changes nothing."""
    from aiox.cli.backups import verify

    print(asyncio.run(verify(load_settings(), file)))
