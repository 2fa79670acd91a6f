"""The descriptor (ACD) of an agent, for whoever may talk to it; asked before an owner is known."""

from __future__ import annotations

import json

from aiox.kernel.acd import Descriptor, descriptor
from aiox.kernel.agent import AgentSpec, content_digest
from aiox.kernel.ids import AgentId, OwnerId
from aiox.kernel.jid import BareJid
from aiox.runtime.postgres import Pool
from registry.agent_versions import VersionChanged


async def find_descriptor(pool: Pool, agent_id: AgentId, jid: BareJid) -> Descriptor | None:
    """The ACD of the active version; None for unknown, deleted and hidden agents alike. Raises VersionChanged.

    For the component's role only; the function behind it stands in docs/isolation.md.
    """
    row = await pool.fetchrow("SELECT * FROM find_descriptor($1, $2)", agent_id, jid)
    if row is None:
        return None
    found, number = AgentId(row["agent_id"]), row["number"]
    if content_digest(found, number, row["policy_hash"], json.loads(row["spec"])) != row["content_digest"]:
        raise VersionChanged(f"version {number} of agent {found} is not what was published")
    return descriptor(found, OwnerId(row["owner_user_id"]), number, AgentSpec.model_validate_json(row["spec"]))
