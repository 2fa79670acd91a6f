"""Which keys are believed of other hubs, and beginning anew with one after an admin has looked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import uuid4

from pydantic import Field

from aiox.commands.fields import Fields
from aiox.commands.gate import authorise_related
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refusal_of
from aiox.commands.users import relation_to_hub
from aiox.kernel.actions import Action
from aiox.kernel.canonical import Json
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import HUB_OWNER
from aiox.kernel.outcome import Refused
from aiox.runtime.postgres import owner_scope
from policy.ledger import Record
from registry import hub_documents, ledger, witness
from registry.hub_documents import Pinned

UNPINNED: Final = "peer.unpinned"
UNKNOWN: Final = Refused(ErrorCode.NOT_FOUND, "No keys of this hub are pinned, and nothing of its ledger was seen.", ())


class WhichHub(Fields):
    """A hub by its domain."""

    domain: str = Field(min_length=1, max_length=253, pattern=r"^[^@/\s]+$")


async def list_pinned(hub: Hub, actor: Actor) -> Sequence[Pinned] | Refused:
    """The documents of the hubs that we know."""
    no = await _refused(hub, actor, Action.HUB_KEYS)
    return no if no is not None else await hub_documents.list_all(hub.pool)


async def unpin(hub: Hub, actor: Actor, fields: WhichHub) -> Refused | None:
    """Lets go of a hub's keys, and of what was seen of its ledger: both are taken anew, as at introduction.

    NOT_FOUND when nothing is known of it. The entry among the peers is left as it is.
    """
    no = await _refused(hub, actor, Action.HUB_UNPIN)
    if no is not None:
        return no
    async with owner_scope(hub.pool, HUB_OWNER) as connection:
        gone = await hub_documents.forget(connection, fields.domain)
        forgotten = await witness.forget(connection, f"{fields.domain}/ledger")
        if not (gone or forgotten):
            return UNKNOWN
        details: dict[str, Json] = {"peer": fields.domain}
        record = Record(uuid4(), HUB_OWNER, UNPINNED, "warning", details, hub.clock.now(), actor.jid)
        await ledger.append(connection, [record])
    return None


async def _refused(hub: Hub, actor: Actor, action: Action) -> Refused | None:
    return refusal_of(await authorise_related(hub, actor, action, relation_to_hub(actor), HUB_OWNER))
