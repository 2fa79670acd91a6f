"""What the operator does to the hub itself, on record: start, stop, migration, and every command that failed.

A command that asks the hub for something passes the gate and stands on record by that; here stands that it did not end
well. No arguments: they may hold secrets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import uuid4

from aiox.kernel.canonical import Json
from aiox.kernel.ids import HUB_OWNER
from aiox.runtime import postgres
from aiox.runtime.clock import Clock, SystemClock
from aiox.runtime.postgres import StoreTrouble
from aiox.runtime.secrets import SecretMissing, Secrets
from aiox.runtime.settings import Settings, SettingsUnreadable, load_settings
from policy.ledger import Record
from policy.ways import SHELL
from registry import ledger

EVENT: Final = "operator.command"
WITHIN_S: Final = 3.0
"""How long the database may take, in seconds: a stop waits for it."""
MACHINE: Final = frozenset({"up", "down", "migrate", "backup create", "autoscale", "promote"})
"""Commands of the machine that change it; they put on record themselves that they ended well."""
_WORDS: Final = 3


def command_in(arguments: Sequence[str]) -> str:
    """The command in what was typed; empty for one that is never on record."""
    words = [
        word for at, word in enumerate(arguments) if not word.startswith("-") and arguments[at - 1 : at] != ["--home"]
    ]
    for count in range(_WORDS, 0, -1):
        name = " ".join(words[:count])
        if name in SHELL or name in MACHINE:
            return name
    return ""


def note_failure(command: str, error: str) -> str:
    """Puts a command that failed on record. Returns why it is not there; empty when it is, or need not be."""
    if not command:
        return ""
    try:
        settings = load_settings()
    except (SettingsUnreadable, ValueError):
        return ""
    return asyncio.run(note(settings, SystemClock(), command, outcome="failed", error=error))


async def note(settings: Settings, clock: Clock, command: str, **details: Json) -> str:
    """Appends the row. Returns why it could not, in a few words; where no database listens there is no ledger."""
    try:
        secrets = Secrets.of(settings.home, "gateway")
        async with asyncio.timeout(WITHIN_S):
            pool = await postgres.connect(settings, secrets, "gateway", size=1)
            try:
                await ledger.append(pool, [_record(settings, clock, command, details)])
            finally:
                await pool.close()
    except (SecretMissing, ConnectionError):
        return ""
    except (*StoreTrouble, TimeoutError) as away:
        return f"'aiox {command}' is not on record: {type(away).__name__}"
    return ""


def _record(settings: Settings, clock: Clock, command: str, details: dict[str, Json]) -> Record:
    return Record(
        id=uuid4(),
        owner=HUB_OWNER,
        event_type=EVENT,
        severity="warning" if details.get("outcome") == "failed" else "info",
        details={"command": command, **details},
        created_at=clock.now(),
        actor=f"operator@{settings.domain}",
    )
