"""`aiox user export|erase`: a person's data, handed out or erased."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from aiox.runtime.settings import load_settings

WhichPerson = Annotated[str, typer.Argument(help="bare JID of an account or of a guest", metavar="JID")]


def user_export(
    jid: WhichPerson,
    out: Annotated[Path | None, typer.Option(help="a new file to write; standard output when left out")] = None,
) -> None:
    """Everything the hub holds about a person, as one JSON document. For the person; handing it out is on record."""
    from aiox.cli.privacy import export, private_out

    if out is None:
        asyncio.run(export(load_settings(), jid, sys.stdout.buffer))
        sys.stdout.buffer.flush()
        return
    with private_out(out) as file:
        asyncio.run(export(load_settings(), jid, file))
    print(f"{out} holds what the hub knows about {jid}.")


def user_erase(jid: WhichPerson, *, yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False) -> None:
    """Delete an account or a guest with everything of them: texts, memories, agents, files, keys, archive."""
    from aiox.cli.privacy import erase

    if not yes and not typer.confirm(f"Erase everything about {jid}? It cannot be taken back."):
        raise typer.Exit(1)
    print(asyncio.run(erase(load_settings(), jid)))
