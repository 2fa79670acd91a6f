"""What the operator does to the hub is a row of the ledger, also when it failed; a database that refuses is said."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from aiox.cli.operator_record import EVENT, note
from aiox.runtime.clock import SystemClock
from tests.ports import free_port
from tests.stack import Place
from tests.stores import Stores


async def rows(stores: Stores) -> list[dict[str, object]]:
    async with stores.superuser() as connection:
        found = await connection.fetch("SELECT details FROM audit_logs WHERE event_type = $1 ORDER BY seq", EVENT)
    return [json.loads(row["details"]) for row in found]


def aiox(place: Place, *arguments: str) -> subprocess.CompletedProcess[str]:
    """As the operator types it, in another process."""
    home = {"AIOX_HOME": str(place.home.root), "AIOX_PORTS__POSTGRES": str(place.settings.ports.postgres)}
    return subprocess.run(
        [sys.executable, "-m", "aiox.cli.main", *arguments],
        env={**os.environ, **home}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


async def test_what_is_done_is_on_record(stores: Stores) -> None:
    assert await note(stores.settings, SystemClock(), "up", outcome="started") == ""
    assert (await rows(stores))[-1] == {"command": "up", "outcome": "started"}


async def test_a_command_that_failed_is_on_record_by_its_name(stores: Stores, postgres: Place) -> None:
    done = aiox(postgres, "agent", "show", "no-such-agent-of-anybody")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    assert (await rows(stores))[-1] == {"command": "agent show", "outcome": "failed", "error": "CannotGoOn"}


@pytest.mark.parametrize("typed", [("agent", "show"), ("trace", "no-such-trace")])
async def test_what_was_mistyped_or_asks_nothing_of_the_hub_is_not(
    stores: Stores, postgres: Place, typed: tuple[str, ...]
) -> None:
    before = await rows(stores)
    assert aiox(postgres, *typed).returncode != 0
    assert await rows(stores) == before


async def test_where_no_database_listens_there_is_nothing_to_say(stores: Stores) -> None:
    ports = stores.settings.ports.model_copy(update={"postgres": free_port()})
    settings = stores.settings.model_copy(update={"ports": ports})
    assert await note(settings, SystemClock(), "down", outcome="asked") == ""


async def test_a_database_that_refuses_is_said(stores: Stores) -> None:
    async with stores.superuser() as connection:
        await connection.execute("REVOKE EXECUTE ON FUNCTION ledger_append(bytea[]) FROM aiox_gateway")
        try:
            refused = await note(stores.settings, SystemClock(), "down", outcome="asked")
        finally:
            await connection.execute("GRANT EXECUTE ON FUNCTION ledger_append(bytea[]) TO aiox_gateway")
    assert refused == "'aiox down' is not on record: InsufficientPrivilegeError"
