"""Which hubs vouch for this one's ledger, which say that it was rewritten, and for whose it vouches itself: keys, sizes
and times.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aiox.commands.gate import authorise_related
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refusal_of
from aiox.commands.users import relation_to_hub
from aiox.kernel.actions import Action
from aiox.kernel.ids import HUB_OWNER
from aiox.kernel.outcome import Refused
from registry import ledger_rows, witness
from registry.ledger_rows import Wanted
from registry.witness import Cosignature, SeenLog

ACTION: Final = Action.LEDGER_WITNESSES


DOUBTED: Final = "witness.doubted"
"""The record of a witness that calls this hub's ledger rewritten (component/witnessing.py)."""
MOST: Final = 100


@dataclass(frozen=True, slots=True)
class Doubt:
    """A hub said that this one's ledger does not go on from what it had seen, `size` records long."""

    domain: str
    size: int
    said_at: datetime


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Of each witness its newest cosignature, each log that was seen, and the newest doubts of ours, MOST at most."""

    cosigned: Sequence[Cosignature]
    seen: Sequence[SeenLog]
    doubts: Sequence[Doubt]


async def run(hub: Hub, actor: Actor) -> Witnesses | Refused:
    """For the hub's admins and auditors."""
    no = refusal_of(await authorise_related(hub, actor, ACTION, relation_to_hub(actor), HUB_OWNER))
    if no is not None:
        return no
    rows = await ledger_rows.list_of_owner(hub.pool, HUB_OWNER, Wanted(event_type=DOUBTED), MOST)
    doubts = [Doubt(str(row.details["peer"]), int(row.details["size"]), row.created_at) for row in rows]
    return Witnesses(await witness.newest(hub.pool), await witness.list_logs(hub.pool), doubts)
