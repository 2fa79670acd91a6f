"""The keys by which other hubs know this one: a new one joins, and the old one leaves when they have seen both."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from uuid import uuid4

from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import HUB_OWNER
from aiox.kernel.outcome import Refused
from policy.ledger import Record
from registry import ledger

RULE_ONE: Final = "H1 one-key"
ROTATED: Final = "key.hub_rotated"
RETIRED: Final = "key.hub_retired"

Seeds = Mapping[int, bytes]
"""Seeds by number, the newest first."""


async def rotate(hub: Hub, actor: Actor, seeds: Seeds, new_seed: Callable[[], bytes]) -> Seeds | Refused:
    """The seeds with a new one in front. From the next document on both sign."""
    no = await refused(hub, actor, Action.HUB_KEY_ROTATE, HUB_OWNER)
    if no is not None:
        return no
    number = max(seeds, default=0) + 1
    await _record(hub, actor, ROTATED, number)
    return {number: new_seed(), **seeds}


async def retire(hub: Hub, actor: Actor, seeds: Seeds) -> Seeds | Refused:
    """The newest seed alone. CONFLICT when there is one only."""
    no = await refused(hub, actor, Action.HUB_KEY_RETIRE, HUB_OWNER)
    if no is not None:
        return no
    if len(seeds) < 2:
        return Refused(ErrorCode.CONFLICT, "One key signs alone already.", (RULE_ONE,))
    newest = max(seeds)
    await _record(hub, actor, RETIRED, newest)
    return {newest: seeds[newest]}


async def _record(hub: Hub, actor: Actor, event: str, number: int) -> None:
    record = Record(uuid4(), HUB_OWNER, event, "warning", {"number": number}, hub.clock.now(), actor.jid)
    await ledger.append(hub.pool, [record])
