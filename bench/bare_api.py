"""The peer of the API: FastAPI and asyncpg, one route, the same query as reading an agent, under the same role.

No token, no gate, no ledger, no limits: what a plain handler would cost. It is written as such a handler is, with
nothing of the hub's plumbing: a pool with asyncpg's defaults, a transaction that names its owner, one query, and the
stored version checked and parsed. `python -m bench.bare_api HOME PORT OWNER`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg
import uvicorn
import uvloop
from fastapi import FastAPI

from aiox.kernel.agent import AgentSpec, content_digest
from aiox.kernel.ids import AgentId, OwnerId
from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import load_settings, use_home

QUERY: Final = """
SELECT a.jid, a.alias, a.revision, a.created_at AS agent_created_at,
       EXISTS (SELECT FROM agent_drafts d WHERE d.agent_id = a.id) AS has_draft,
       ARRAY(SELECT g.grantee FROM agent_grants g WHERE g.agent_id = a.id ORDER BY 1) AS shared_with,
       v.id, v.owner_user_id, v.agent_id, v.number, v.spec, v.system_prompt, v.policy_hash, v.content_digest,
       v.created_at
FROM agents a JOIN agent_versions v ON v.id = a.active_version_id
WHERE a.owner_user_id = $1 AND a.id = $2 AND a.deleted_at IS NULL"""


def make(home: Path, owner: OwnerId) -> FastAPI:
    """The application."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        app.state.pool = await asyncpg.create_pool(
            host="127.0.0.1",
            port=load_settings().ports.postgres,
            user="aiox_gateway",
            password=Secrets.of(home, "gateway").read("postgres"),
            database="aiox",
            min_size=1,
            max_size=8,
            server_settings={"search_path": "aiox", "jit": "off"},
        )
        print("ready", flush=True)
        yield
        await app.state.pool.close()

    app = FastAPI(lifespan=life)

    @app.get("/agents/{agent_id}")
    async def read(agent_id: UUID) -> Any:
        async with app.state.pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT set_config('aiox.owner', $1, true)", str(owner))
            row = await connection.fetchrow(QUERY, owner, agent_id)
        if row is None:
            return None
        spec = json.loads(row["spec"])
        if content_digest(AgentId(agent_id), row["number"], row["policy_hash"], spec) != row["content_digest"]:
            raise RuntimeError("this version was changed")
        return {"jid": row["jid"], "spec": AgentSpec.model_validate_json(row["spec"]).model_dump(mode="json")}

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
