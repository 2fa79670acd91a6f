"""Signed checkpoints of the ledger and the keys that signed them: for everybody who has an account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import Field

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused
from aiox.kernel.actions import Action
from aiox.kernel.outcome import Refused
from registry import checkpoints
from registry.checkpoints import StoredCheckpoint, StoredKey

ACTION: Final = Action.LEDGER_CHECKPOINTS


class ListCheckpoints(Fields):
    """Checkpoints of fewer than `below` records, the newest first."""

    below: int | None = Field(None, ge=1, lt=1 << 63)
    limit: int = Field(50, ge=1, le=200)


@dataclass(frozen=True, slots=True)
class Signed:
    """Checkpoints and every key that ever signed one, the newest first."""

    checkpoints: Sequence[StoredCheckpoint]
    keys: Sequence[StoredKey]


async def run(hub: Hub, actor: Actor, fields: ListCheckpoints) -> Signed | Refused:
    """They hold no more than sizes, digests and signatures."""
    no = await refused(hub, actor, ACTION, actor.owner)
    if no is not None:
        return no
    listed = await checkpoints.list_newest(hub.pool, fields.limit, fields.below)
    return Signed(listed, await checkpoints.list_keys(hub.pool))
