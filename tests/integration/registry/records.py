"""Sealed records of a few owners, with traffic over them: for tests of the rotation of keys."""

# ruff: noqa: S608 -- names are constants

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from aiox.kernel.ids import HUB_OWNER, AgentId, OwnerId
from aiox.runtime.keyring import CannotOpen, KeyRing, Place
from aiox.runtime.postgres import owner_scope
from registry import tenants
from registry.sealed import SEALED, SealedTable
from tests.stores import NOW, Stores

PAUSE_S: Final = 0.002
"""Of each reader and writer, so that what they watch gets on."""
REMEMBERED: Final = 2000
"""Records of one owner and table that are read and compared; the others are counted."""
TABLES: Final = {table.name: table for table in SEALED}


@dataclass(frozen=True)
class Record:
    """A sealed value, and what it says."""

    owner: OwnerId
    table: SealedTable
    column: str
    record: UUID
    text: bytes

    @property
    def place(self) -> Place:
        """What the ciphertext is bound to."""
        return Place(self.owner, self.table.name, self.column, self.record)


@dataclass
class World:
    """Owners with records, and who reads and writes them meanwhile."""

    stores: Stores
    agents: dict[OwnerId, AgentId]
    records: list[Record]
    reads: int = 0
    failures: list[str] = field(default_factory=list)
    written: int = 0

    @property
    def owners(self) -> list[OwnerId]:
        """Everyone but the hub's own tenant."""
        return list(self.agents)

    async def read(self, record: Record, ring: KeyRing | None = None) -> bytes:
        """As the hub reads: the ciphertext first, the ring after it. Raises CannotOpen."""
        service = self.stores.pools["gateway"]
        async with owner_scope(service, record.owner) as connection:
            sealed = await connection.fetchval(
                f"SELECT {record.column} FROM {record.table.name} WHERE {record.table.record} = $1", record.record
            )
        ring = ring or await tenants.load_ring(service, self.stores.keys, record.owner)
        return ring.open(sealed, record.place)

    async def read_for_ever(self, chance: random.Random, ring_of: Callable[[OwnerId], KeyRing] | None = None) -> None:
        """Reads at random and notes what failed."""
        while True:
            record = chance.choice(self.records)
            try:
                text = await self.read(record, None if ring_of is None else ring_of(record.owner))
            except CannotOpen as failed:
                self.failures.append(f"{record.table.name}: {failed!r}")
            else:
                if text != record.text:
                    self.failures.append(f"{record.table.name}: another text")
            self.reads += 1
            await asyncio.sleep(PAUSE_S)

    async def write_for_ever(self, rings: Rings, chance: random.Random) -> None:
        """Adds executions, sealed with rings that may be older than the rotation, as orchestrators do."""
        async with self.stores.superuser() as connection:
            await connection.execute("SET session_replication_role = replica")
            while True:
                owner = chance.choice(self.owners)
                _, rows = _rows("executions", owner, self.agents[owner], await rings.of(owner), 1)
                await _copy(connection, "executions", rows)
                self.written += 1
                await asyncio.sleep(PAUSE_S)

    async def left(self) -> dict[str, int]:
        """Records per table that are not under their tenant's newest key; of the hub's own, not under the current."""
        async with self.stores.superuser() as connection:
            newest = {
                row["owner_user_id"]: row["number"]
                for row in await connection.fetch(
                    "SELECT owner_user_id, max(number) AS number FROM tenant_keys GROUP BY 1"
                )
            }
            newest[HUB_OWNER] = self.stores.keys.current
            found = {}
            for table in SEALED:
                for column in table.columns:
                    rows = await connection.fetch(
                        f"SELECT owner_user_id, substring({column} FROM 1 FOR 4) AS key, count(*) AS n"
                        f" FROM {table.name} WHERE {column} IS NOT NULL AND owner_user_id = ANY ($1) GROUP BY 1, 2",
                        [*self.owners, HUB_OWNER],
                    )
                    found[f"{table.name}.{column}"] = sum(
                        row["n"] for row in rows if int.from_bytes(row["key"]) != newest[row["owner_user_id"]]
                    )
            return found


class Rings:
    """Tenants' rings as an orchestrator keeps them: read once, until told to forget."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._known: dict[OwnerId, KeyRing] = {}

    async def of(self, owner: OwnerId) -> KeyRing:
        """The ring as it was when it was first asked for."""
        if owner not in self._known:
            self._known[owner] = await tenants.load_ring(self._stores.pools["gateway"], self._stores.keys, owner)
        return self._known[owner]

    def forget(self) -> None:
        """What a cache does after its time."""
        self._known.clear()


async def make_world(stores: Stores, owners: int, executions: int) -> World:
    """Some owners with `executions` rows altogether, and one record in each other sealed table."""
    world = World(stores, {}, [])
    for _ in range(owners):
        actor = await stores.account()
        world.agents[actor.owner] = await stores.agent(actor)
    for owner, agent in world.agents.items():
        ring = await tenants.load_ring(stores.pools["gateway"], stores.keys, owner)
        for table in TABLES:
            count = executions // owners if table == "executions" else 1
            made = await store(stores, owner, agent, ring, table, count)
            world.records += made[:: max(1, len(made) // REMEMBERED) | 1]  # both columns of a row in turn
    hub_agent = AgentId(uuid4())
    world.records += await store(stores, HUB_OWNER, hub_agent, stores.keys, "provider_credentials", 1)
    return world


async def store(
    stores: Stores, owner: OwnerId, agent: AgentId, ring: KeyRing, table_name: str, count: int
) -> list[Record]:
    """Rows with sealed values, committed past the hub's own code; foreign keys lead nowhere."""
    records, rows = _rows(table_name, owner, agent, ring, count)
    async with stores.superuser() as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        await _copy(connection, table_name, rows)
    return records


def _rows(
    table_name: str, owner: OwnerId, agent: AgentId, ring: KeyRing, count: int
) -> tuple[list[Record], list[dict[str, Any]]]:
    table = TABLES[table_name]
    records, rows = [], []
    for number in range(count):
        one = _row(table, owner, agent, number)
        for column in table.columns:
            record = Record(owner, table, column, one[table.record], f"{table_name} {column} {uuid4()}".encode())
            one[column] = ring.seal(record.text, record.place)
            records.append(record)
        rows.append(one)
    return records, rows


async def _copy(connection: Any, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    columns = list(rows[0])
    await connection.copy_records_to_table(
        table, schema_name="aiox", columns=columns, records=[tuple(row[name] for name in columns) for row in rows]
    )


def _row(table: SealedTable, owner: OwnerId, agent: AgentId, number: int) -> dict[str, Any]:
    common: dict[str, Any] = {"owner_user_id": owner, "created_at": datetime.fromtimestamp(1e9 + number, UTC)}
    rows: dict[str, dict[str, Any]] = {
        "agent_versions": {"id": uuid4(), "agent_id": agent, "number": 1000 + number, "spec": "{}", "policy_hash": "",
                           "content_digest": ""},
        "agent_drafts": {"agent_id": uuid4(), "spec": "{}", "base_number": 1},
        "documents": {"id": uuid4(), "agent_id": agent, "title": "t", "source": str(uuid4()),
                      "media_type": "text/plain", "sha256": b"", "bytes": 0, "embedding_model": "m", "state": "ready"},
        "executions": {"id": uuid4(), "agent_id": agent, "subject_jid": "a@b", "outcome": "answered", "tokens_used": 1,
                       "tools_called": "[]", "worker_id": "w", "duration_ms": 1, "platform_latency_ms": 1,
                       "worker_latency_ms": 1, "scoring": "{}", "correlation_id": uuid4()},
        "asked_turns": {"turn_id": uuid4(), "agent_id": agent, "sender_jid": "a@b", "correlation_id": uuid4()},
        "idempotency_keys": {"id": uuid4(), "key_digest": uuid4().bytes * 2, "request_digest": uuid4().bytes * 2},
        "dead_letters": {"turn_id": uuid4(), "agent_id": agent, "sender_jid": "a@b", "reason": "r", "attempts": 5,
                         "correlation_id": uuid4(), "closed_at": NOW, "closed_as": "dropped"},
        "approvals": {"id": uuid4(), "agent_id": agent, "agent_version_id": uuid4(), "turn_id": uuid4(),
                      "requester_jid": "a@b", "tool_name": "t", "policy_hash": "", "digest": "", "kind": "confirm",
                      "quorum": 1, "approvers": [], "second_factor": False, "rules": [], "state": "expired",
                      "expires_at": NOW},
        "sessions": {"id": uuid4(), "client": "c", "address": "a", "last_used_at": NOW, "expires_at": NOW},
        "second_factors": {},
        "provider_credentials": {"id": uuid4(), "kind": "llm", "provider": f"p{uuid4().hex}", "mode": "custom",
                                 "level": "hub" if owner == HUB_OWNER else "owner", "updated_at": NOW,
                                 "status": "untested"},
    }  # fmt: skip
    return rows[table.name] | common


async def ended(*tasks: asyncio.Task[None]) -> None:
    """Cancels them, and raises what broke one of them before."""
    for task in tasks:
        task.cancel()
    for task in tasks:
        try:
            await task
        except asyncio.CancelledError:
            continue
