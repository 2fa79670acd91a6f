"""The chained ledger beside two inserts of the very same rows: plain and batched, and one per commit under a lock.

The plain one is the bound: nothing is hashed, nothing is chained. The other is what a chain costs when each writer
locks its head and commits alone. All three write rows of the same columns into tables of the same indexes and triggers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import uuid4

from aiox.cli.stack import ca, credentials, postgres
from aiox.cli.stack.home import prepare
from aiox.kernel.ids import OwnerId
from aiox.runtime.clock import SystemClock
from aiox.runtime.postgres import Pool, connect
from aiox.runtime.settings import Ports, Settings
from bench.measure import Figure
from bench.throwaway import free_ports
from policy.ledger import Record
from registry import ledger

NAME: Final = "ledger-beside-insert"
BATCH: Final = 256
WRITERS: Final = 4
_LONE: Final = 400
"""Rows of the side that commits each alone: it is slow enough to be measured with few."""

_PLAIN: Final = """
    CREATE TABLE aiox.plain_rows (LIKE aiox.audit_logs INCLUDING ALL);
    ALTER TABLE aiox.plain_rows ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY;
    CREATE TABLE aiox.lone_rows (LIKE aiox.audit_logs INCLUDING ALL);
    CREATE TABLE aiox.lone_head (seq bigint, hash bytea);
    INSERT INTO aiox.lone_head VALUES (0, decode(repeat('00', 32), 'hex'));
    GRANT SELECT, INSERT ON aiox.plain_rows, aiox.lone_rows TO aiox_orchestrator;
    GRANT SELECT, UPDATE ON aiox.lone_head TO aiox_orchestrator;
"""
_INSERT: Final = """
    INSERT INTO plain_rows (id, owner_user_id, event_type, severity, details, created_at, actor, organisation_id,
                            request_id, correlation_id, record, previous_hash, hash)
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::jsonb[], $6::timestamptz[], $7::text[],
                         $8::uuid[], $9::uuid[], $10::uuid[], $11::bytea[], $12::bytea[], $13::bytea[])
"""
_LONE_INSERT: Final = """
    WITH moved AS (
        UPDATE lone_head SET seq = seq + 1, hash = sha256(hash || int8send(seq + 1) || $11) RETURNING seq, hash)
    INSERT INTO lone_rows (seq, id, owner_user_id, event_type, severity, details, created_at, actor, organisation_id,
                           request_id, correlation_id, record, previous_hash, hash)
    SELECT seq, $1::uuid, $2::uuid, $3::text, $4::text, $5::jsonb, $6::timestamptz, $7::text, $8::uuid, $9::uuid,
           $10::uuid, $11::bytea, $12::bytea, hash FROM moved
"""


def rows_of(count: int) -> list[Record]:
    """Decisions of two owners, as the gate writes them."""
    owners = [OwnerId(uuid4()), OwnerId(uuid4())]
    now = datetime.now(UTC)
    return [
        Record(
            id=uuid4(),
            owner=owners[number % 2],
            event_type="gate.decision",
            severity="info",
            details={"action": "agent.invoke", "decision": "allow", "reason_code": "", "rules": ["R0 who-may:owner"]},
            created_at=now,
            actor="somebody@hub.example",
            correlation_id=uuid4(),
        )
        for number in range(count)
    ]


def _values(record: Record) -> tuple[Any, ...]:
    """The columns of a row; both hashes have the length that they have in the ledger."""
    details = '{"action":"agent.invoke","decision":"allow","reason_code":"","rules":["R0 who-may:owner"]}'
    return (
        record.id,
        record.owner,
        record.event_type,
        record.severity,
        details,
        record.created_at,
        record.actor,
        None,
        None,
        record.correlation_id,
        record.encode(),
        bytes(32),
        bytes(32),
    )


@dataclass(frozen=True, slots=True)
class Chained:
    """The ledger's own function, in batches as the orchestrator's group commit makes them."""

    pool: Pool
    rows: int
    name: str = "chained ledger"

    async def measure(self) -> Sequence[Figure]:
        """One round."""
        batches = _batches(rows_of(self.rows))

        async def write(batch: list[Record]) -> None:
            await ledger.append(self.pool, batch)

        return [await _rate(write, batches, self.rows)]


@dataclass(frozen=True, slots=True)
class Plain:
    """The same rows in batches of the same size, and no chain."""

    pool: Pool
    rows: int
    name: str = "plain batched insert"

    async def measure(self) -> Sequence[Figure]:
        """One round."""
        batches = _batches(rows_of(self.rows))

        async def write(batch: list[Record]) -> None:
            await self.pool.execute(_INSERT, *map(list, zip(*map(_values, batch), strict=True)))

        return [await _rate(write, batches, self.rows)]


@dataclass(frozen=True, slots=True)
class OneByOne:
    """A chain with one row per commit, each under the lock of the head."""

    pool: Pool
    name: str = "one row per commit under a lock"

    async def measure(self) -> Sequence[Figure]:
        """One round."""

        async def write(batch: list[Record]) -> None:
            await self.pool.execute(_LONE_INSERT, *_values(batch[0])[:12])

        return [await _rate(write, [[row] for row in rows_of(_LONE)], _LONE)]


def _batches(rows: list[Record]) -> list[list[Record]]:
    return [rows[at : at + BATCH] for at in range(0, len(rows), BATCH)]


async def _rate(write: Any, batches: list[list[Record]], rows: int) -> Figure:
    """Rows a second with WRITERS at once; the rows are encoded within the time on every side."""
    waiting = iter(batches)

    async def writer() -> None:
        for batch in waiting:
            await write(batch)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(WRITERS):
            group.create_task(writer())
    return Figure("ledger rows", "rows/s", rows / (time.perf_counter() - began), higher_is_better=True)


@asynccontextmanager
async def sides(_clients: int, _questions: int, seconds: float) -> AsyncIterator[list[Chained | Plain | OneByOne]]:
    """PostgreSQL alone. `seconds` sets the rows of a round: 2,000 for each."""
    numbers = free_ports(len(Ports.model_fields))
    with TemporaryDirectory(prefix="aiox-bench-") as folder:
        settings = Settings(
            home=Path(folder) / "home", ports=Ports(**dict(zip(Ports.model_fields, numbers, strict=True)))
        )
        home = prepare(settings)
        credentials.ensure(home)
        ca.ensure(home, settings.domain, SystemClock().now())
        process = await postgres.start(home, settings.ports.postgres)
        try:
            await postgres.migrate(home, settings.ports.postgres)
            await postgres.sql(home, settings.ports.postgres, postgres.DATABASE, _PLAIN)
            pool = await connect(settings, home.secrets("orchestrator"), "orchestrator", WRITERS)
            rows = max(BATCH, int(2000 * seconds))
            yield [Plain(pool, rows), Chained(pool, rows), OneByOne(pool)]
            await pool.close()
        finally:
            await process.stop()
