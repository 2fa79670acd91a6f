"""Pools of every service on the throw-away PostgreSQL, and people and agents made past the commands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg

from aiox.cli.stack.home import Home
from aiox.commands.hub import Actor, Hub
from aiox.kernel.account import QuotaConfig
from aiox.kernel.agent import AgentSpec, Profile
from aiox.kernel.ids import AgentId, OwnerId, VersionId
from aiox.kernel.jid import BareJid, agent_jid
from aiox.runtime.clock import SystemClock
from aiox.runtime.keyring import KeyRing, LiveKeyRing
from aiox.runtime.postgres import Pool, owner_scope
from aiox.runtime.postgres import connect as pool_of
from aiox.runtime.settings import Service, Settings
from registry import accounts, agents, tenants

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SERVICES: tuple[Service, ...] = ("component", "gateway", "orchestrator", "ai_worker")


@dataclass(frozen=True)
class Stores:
    """Running stores with one pool per service role, and the superuser's way in."""

    home: Home
    settings: Settings
    pools: dict[Service, Pool]
    keys: KeyRing

    @property
    def hub(self) -> Hub:
        return Hub(self.pools["gateway"], self.keys, SystemClock(), "localhost")

    @asynccontextmanager
    async def superuser(self) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        connection = await asyncpg.connect(
            host="127.0.0.1",
            port=self.settings.ports.postgres,
            user="postgres",
            password=self.home.secrets("stack").read("postgres"),
            database="aiox",
            server_settings={"search_path": "aiox"},
        )
        try:
            yield connection
        finally:
            await connection.close()

    async def account(self, password_hash: str = "none") -> Actor:  # noqa: S107 -- no hash at all
        """A new account, made past the command."""
        owner = OwnerId(uuid4())
        jid = BareJid(f"{owner.hex[:12]}@localhost")
        new = accounts.NewAccount(owner, f"{owner}@example.org", jid, password_hash, QuotaConfig(), NOW)
        await accounts.create(self.pools["gateway"], self.keys, new)
        return Actor(owner, jid)

    async def agent(self, actor: Actor, spec: AgentSpec | None = None, shared_with: tuple[str, ...] = ()) -> AgentId:
        """A new agent of this account, made past the command."""
        agent_id = AgentId(uuid4())
        new = agents.NewAgent(
            id=agent_id,
            version_id=VersionId(uuid4()),
            owner=actor.owner,
            jid=agent_jid(agent_id, "localhost"),
            spec=spec or AgentSpec(profile=Profile(name="Ada")),
            system_prompt="Be kind.",
            shared_with=shared_with,
            created_at=NOW,
        )
        async with owner_scope(self.pools["gateway"], actor.owner) as connection:
            ring = await tenants.ring_of(connection, self.keys, actor.owner)
            await agents.create(connection, ring, new)
        return agent_id


@asynccontextmanager
async def opened(home: Home, settings: Settings) -> AsyncIterator[Stores]:
    """Pools of every service on a PostgreSQL that runs, at the newest revision."""
    pools = {name: await pool_of(settings, home.secrets(name), name) for name in SERVICES}
    try:
        yield Stores(home, settings, pools, LiveKeyRing.of(home.secrets("gateway")))
    finally:
        for pool in pools.values():
            await pool.close()
