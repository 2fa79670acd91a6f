"""`aiox ledger`: proofs."""

from __future__ import annotations

import asyncio

import typer

from aiox.runtime.settings import load_settings

app = typer.Typer(help="Proofs over the append-only ledger.", no_args_is_help=True)


@app.command("verify")
def verify_chain() -> None:
    """Walk the hash chain of a running hub and name the first bad record, if there is one."""
    from aiox.cli.ledger import verify

    print(asyncio.run(verify(load_settings())))
