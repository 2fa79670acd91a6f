"""Checks the ledger in the database: chain, columns, tree and every signature."""

from __future__ import annotations

from typing import Final

from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused
from aiox.kernel.actions import Action
from aiox.kernel.ids import HUB_OWNER
from aiox.kernel.outcome import Refused
from policy.ledger import Fault
from registry.ledger import verify_chain

ACTION: Final = Action.LEDGER_VERIFY


async def run(hub: Hub, actor: Actor) -> tuple[int, bytes] | Fault | Refused:
    """The last number and hash, or the first fault."""
    no = await refused(hub, actor, ACTION, HUB_OWNER)
    return no if no is not None else await verify_chain(hub.pool)
