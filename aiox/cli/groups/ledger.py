"""`aiox ledger`: export, proofs, checks, keys and retention."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from aiox.runtime.settings import load_settings
from policy.exports import Form

app = typer.Typer(help="The append-only ledger and its proofs.", no_args_is_help=True)


@app.command("verify")
def ledger_verify(
    file: Annotated[
        Path | None,
        typer.Argument(help="an exported ledger or a proof, checked without a hub; without: a running hub's"),
    ] = None,
    key: Annotated[
        str, typer.Option(help="key that you know to be the hub's, or a file with keys; else those in the file count")
    ] = "",
    checkpoint: Annotated[
        Path | None, typer.Option(help="file with a checkpoint seen earlier: the ledger must go on from it")
    ] = None,
    witness: Annotated[
        list[str] | None, typer.Option(help="key of another hub that must have co-signed all of it; may be repeated")
    ] = None,
) -> None:
    """Check the ledger and name the first bad record, if there is one."""
    if file is None:
        from aiox.cli.ledger import verify

        print(asyncio.run(verify(load_settings())))
    else:
        from aiox.cli.ledger_files import check

        print(check(file, key, checkpoint, witness or ()))


@app.command("list")
def ledger_list(
    owner: Annotated[str, typer.Option(help="records of this account only: e-mail address or JID")] = "",
    event: Annotated[str, typer.Option(help="of this kind only, for instance gate.decision")] = "",
    severity: Annotated[str, typer.Option(help="info, warning or error only")] = "",
    correlation: Annotated[str, typer.Option(help="of one message only: its correlation id")] = "",
    below: Annotated[int, typer.Option(min=0, help="only records with smaller numbers; 0: from the newest on")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=200, help="lines at most")] = 50,
) -> None:
    """Records, the newest first: who did what and what was decided, in ids and codes."""
    from aiox.cli.ledger_lists import listed

    filters = {"event_type": event, "severity": severity, "correlation_id": correlation, "below": below}
    print(asyncio.run(listed(load_settings(), owner, limit=limit, **filters)))


@app.command("export")
def ledger_export(
    file: Annotated[Path, typer.Argument(help="new file")],
    form: Annotated[Form, typer.Option("--format", help="JSON lines or CSV")] = Form.JSONL,
    witnessed: Annotated[
        bool, typer.Option("--witnessed", help="only up to the newest checkpoint that another hub has co-signed")
    ] = False,
) -> None:
    """Write all records with checkpoints, keys and proofs into one file."""
    from aiox.cli.ledger import export

    print(asyncio.run(export(load_settings(), file, form, witnessed=witnessed)))


@app.command("checkpoint")
def ledger_checkpoint() -> None:
    """Print the newest signed checkpoint. Keep one elsewhere: with it a ledger that was cut short is found."""
    from aiox.cli.ledger import checkpoint

    print(asyncio.run(checkpoint(load_settings())))


@app.command("keys")
def ledger_keys() -> None:
    """Print the keys that sign, and those that did, for 'verify --key'."""
    from aiox.cli.ledger import keys

    print(asyncio.run(keys(load_settings())))


@app.command("witnesses")
def ledger_witnesses() -> None:
    """Print this hub's key as a witness, who has co-signed its ledger and how far, and what it has seen of others."""
    from aiox.cli.ledger import witnesses

    print(asyncio.run(witnesses(load_settings())))


@app.command("proof")
def ledger_proof(
    seq: Annotated[int, typer.Argument(min=1, help="number of the record; with --consistency, size of a checkpoint")],
    consistency: Annotated[bool, typer.Option("--consistency", help="prove an older checkpoint instead")] = False,
) -> None:
    """Print one record with its proof, or the proof that an older checkpoint is the beginning of the newest."""
    from aiox.cli import ledger

    prove = ledger.consistency if consistency else ledger.proof
    print(asyncio.run(prove(load_settings(), seq)))


@app.command("seal")
def ledger_seal(
    before: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="seal what was signed before this day, UTC")],
) -> None:
    """Move old records out of the database into a checked file under AIOX_HOME/ledger, and put that on record."""
    from aiox.cli.ledger import seal

    print(asyncio.run(seal(load_settings(), before.replace(tzinfo=UTC))))


@app.command("rotate-key")
def ledger_rotate_key() -> None:
    """Let a new key sign checkpoints beside the old one."""
    from aiox.cli.ledger import rotate_key

    print(asyncio.run(rotate_key(load_settings())))


@app.command("retire-key")
def ledger_retire_key() -> None:
    """Let the newest key sign alone, once it has signed beside the old one."""
    from aiox.cli.ledger import retire_key

    print(asyncio.run(retire_key(load_settings())))
