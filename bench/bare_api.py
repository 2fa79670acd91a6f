"""The peer of the API: FastAPI and asyncpg, one route, the same query as reading an agent, under the same role.

No token, no gate, no ledger, no limits: what a plain handler would cost. `python -m bench.bare_api HOME PORT OWNER`.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import uvicorn
import uvloop
from fastapi import FastAPI

from aiox.kernel.ids import AgentId, OwnerId
from aiox.runtime import postgres
from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import load_settings, use_home
from registry import agents


def make(home: Path, owner: OwnerId) -> FastAPI:
    """The application."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        app.state.pool = await postgres.connect(load_settings(), Secrets.of(home, "gateway"), "gateway", size=8)
        print("ready", flush=True)
        yield
        await app.state.pool.close()

    app = FastAPI(lifespan=life)

    @app.get("/agents/{agent_id}")
    async def read(agent_id: UUID) -> Any:
        found = await agents.load_detail(app.state.pool, owner, AgentId(agent_id))
        return None if found is None else {"jid": found.jid, "spec": found.version.spec.model_dump(mode="json")}

    return app


def main() -> None:
    """Serves until it is ended; says `ready` when the database is there."""
    home, port, owner = Path(sys.argv[1]), int(sys.argv[2]), OwnerId(UUID(sys.argv[3]))
    config = uvicorn.Config(make(home, owner), host="127.0.0.1", port=port, log_config=None, access_log=False)
    server = uvicorn.Server(config)

    use_home(home)
    uvloop.run(server.serve())


if __name__ == "__main__":
    main()
