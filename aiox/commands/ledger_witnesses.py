"""Which hubs vouch for this one's ledger, and for whose it vouches: keys, sizes and times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused
from aiox.kernel.actions import Action
from aiox.kernel.ids import HUB_OWNER
from aiox.kernel.outcome import Refused
from registry import witness
from registry.witness import Cosignature, SeenLog

ACTION: Final = Action.LEDGER_WITNESSES


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Of each witness its newest cosignature, and each log that was seen."""

    cosigned: Sequence[Cosignature]
    seen: Sequence[SeenLog]


async def run(hub: Hub, actor: Actor) -> Witnesses | Refused:
    """For the hub's admins and auditors."""
    no = await refused(hub, actor, ACTION, HUB_OWNER)
    if no is not None:
        return no
    return Witnesses(await witness.newest(hub.pool), await witness.list_logs(hub.pool))
