"""Which keys are believed of other hubs, and beginning anew with one after an admin has looked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import uuid4

from pydantic import Field

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused
from aiox.kernel.actions import Action
from aiox.kernel.canonical import Json
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import HUB_OWNER
from aiox.kernel.outcome import Refused
from aiox.runtime.postgres import owner_scope
from policy.ledger import Record
from registry import hub_documents, ledger, witness
from registry.hub_documents import Pinned

UNPINNED: Final = "peer.unpinned"


class WhichHub(Fields):
    """A hub by its domain."""

    domain: str = Field(min_length=1, max_length=253, pattern=r"^[^@/\s]+$")


async def list_pinned(hub: Hub, actor: Actor) -> Sequence[Pinned] | Refused:
    """The documents of the hubs that we know."""
    no = await refused(hub, actor, Action.HUB_KEYS, HUB_OWNER)
    return no if no is not None else await hub_documents.list_all(hub.pool)


async def unpin(hub: Hub, actor: Actor, fields: WhichHub) -> Refused | None:
    """Lets go of a hub's keys, and of what was seen of its ledger: both are taken anew, as at introduction.

    NOT_FOUND when nothing is known of it. The entry among the peers is left as it is.
    """
    no = await refused(hub, actor, Action.HUB_UNPIN, HUB_OWNER)
    if no is not None:
        return no
    async with owner_scope(hub.pool, HUB_OWNER) as connection:
        gone = await hub_documents.forget(connection, fields.domain)
        forgotten = await witness.forget(connection, f"{fields.domain}/ledger")
        if not (gone or forgotten):
            return Refused(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.NOT_FOUND], ())
        details: dict[str, Json] = {"peer": fields.domain}
        record = Record(uuid4(), HUB_OWNER, UNPINNED, "warning", details, hub.clock.now(), actor.jid)
        await ledger.append(connection, [record])
    return None
