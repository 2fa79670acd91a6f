"""The actor's own account: address, roles, second factor."""

from __future__ import annotations

from typing import Final

from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused
from aiox.kernel.actions import Action
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.outcome import Refused
from registry import accounts
from registry.accounts import AccountRow

ACTION: Final = Action.ACCOUNT_READ


async def run(hub: Hub, actor: Actor) -> AccountRow | Refused:
    """The account, as its holder sees it."""
    no = await refused(hub, actor, ACTION, actor.owner)
    found = None if no is not None else await accounts.load(hub.pool, actor.owner)
    if found is not None:
        return found
    return no or Refused(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.NOT_FOUND], ())
