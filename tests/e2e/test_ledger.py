"""The ledger of a whole hub: signed while messages come in, exported, and checked in a process that knows no hub."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aiox.cli import ledger
from aiox.cli.ledger_files import check
from aiox.cli.stack.trouble import CannotGoOn
from aiox.commands.ledger_export import Form
from tests.stack import RunningHub

SIGNED_S = 60.0
"""Long beyond the two seconds between checkpoints of this hub."""


async def signed(hub: RunningHub, at_least: int, signatures: int = 1) -> str:
    """The newest checkpoint, once it covers so many records and has so many signatures."""
    async with asyncio.timeout(SIGNED_S):
        while True:
            note = await ledger.checkpoint(hub.settings)
            if int(note.split("\n")[1]) >= at_least and note.count("\n— ") == signatures:
                return note
            await asyncio.sleep(0.2)


async def offline(folder: Path, *arguments: str) -> tuple[int, str]:
    """`aiox ledger verify ...` in a process without a hub's home."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "aiox.cli.main", "ledger", "verify", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "AIOX_HOME": str(folder / "no-hub")},
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def head_of(hub: RunningHub) -> int:
    async with hub.commands() as commands:
        return int(await commands.pool.fetchval("SELECT ledger_head()"))


async def test_a_turn_is_signed_exported_and_proven_without_the_hub(hub: RunningHub, tmp_path: Path) -> None:
    owner = await hub.account()
    agent = await hub.agent(owner)
    async with hub.client(owner) as client:
        await client.ask(agent.jid, "Good morning", 60)
    head = await head_of(hub)
    older, keys = await signed(hub, head), await ledger.keys(hub.settings)
    (tmp_path / "older").write_text(older + "\n")

    for form in Form:
        file = tmp_path / f"ledger.{form}"
        assert "checks it" in await ledger.export(hub.settings, file, form)
        assert "The ledger of localhost/ledger holds" in check(file, keys, tmp_path / "older")
    status, said = await offline(tmp_path, str(tmp_path / "ledger.jsonl"), "--key", keys)
    assert (status, "The ledger of localhost/ledger holds" in said) == (0, True), said
    rows = (tmp_path / "ledger.jsonl").read_bytes().splitlines(keepends=True)
    concluded = [
        row for row in rows if b'"event_type":"turn.concluded"' in row and str(owner.actor.owner).encode() in row
    ]
    assert len(concluded) == 1

    at = rows.index(concluded[0])
    (tmp_path / "bad").write_bytes(
        b"".join([*rows[:at], concluded[0].replace(b'"answered"', b'"refused!"'), *rows[at + 1 :]])
    )
    status, said = await offline(tmp_path, str(tmp_path / "bad"), "--key", keys)
    seq = int(concluded[0][len(b'{"seq":') :].split(b",")[0])
    assert status == 1
    assert f"record {seq} of" in said

    (tmp_path / "proof").write_text(await ledger.proof(hub.settings, seq) + "\n")
    assert f"Record {seq} is in the ledger" in check(tmp_path / "proof", keys, None)


async def test_the_running_hub_is_checked_and_its_keys_change_while_it_runs(hub: RunningHub) -> None:
    assert "The ledger holds" in await ledger.verify(hub.settings)
    before = (await ledger.keys(hub.settings)).split("\n")
    with pytest.raises(CannotGoOn, match="one key signs alone already"):
        await ledger.retire_key(hub.settings)
    assert "signs from the next checkpoint on" in await ledger.rotate_key(hub.settings)
    await signed(hub, await head_of(hub), signatures=2)
    assert "signs alone now" in await ledger.retire_key(hub.settings)
    await signed(hub, await head_of(hub), signatures=1)
    assert len((await ledger.keys(hub.settings)).split("\n")) == len(before) + 1
    assert "The ledger holds" in await ledger.verify(hub.settings)
    assert "\n\nlocalhost/ledger\n" in await ledger.consistency(hub.settings, 1)


async def test_what_is_too_young_is_not_sealed(hub: RunningHub) -> None:
    with pytest.raises(CannotGoOn, match="There is nothing to seal"):
        await ledger.seal(hub.settings, datetime(2020, 1, 1, tzinfo=UTC))
