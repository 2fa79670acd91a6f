"""Whose records of the ledger a person may read: an owner their own, the operator and the hub's auditor everybody's."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused
from aiox.kernel.account import HubRole
from aiox.kernel.actions import Action
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import HUB_OWNER, OwnerId
from aiox.kernel.outcome import Refused

RULE_SCOPE: Final = "L0 whose-records"


class Scope(StrEnum):
    """`own`: one's own records. `hub`: all of the hub, ids and codes without any text."""

    OWN = "own"
    HUB = "hub"


def reads_all(actor: Actor) -> bool:
    """Whether this person may read everybody's records."""
    return actor.owner == HUB_OWNER or actor.hub_role is HubRole.AUDITOR


async def entered(hub: Hub, actor: Actor, action: Action, scope: Scope) -> OwnerId | Refused | None:
    """Passes the gate. Returns the owner whose records are asked for, None for everybody's, or the refusal.

    Who may not read everybody's is nobody's owner to the gate, so that its decision row says deny.
    """
    everybody = scope is Scope.HUB
    may = not everybody or reads_all(actor)
    no = await refused(hub, actor, action, actor.owner if may else None)
    if no is not None:
        return no
    if not may:
        return Refused(ErrorCode.ACCESS_DENIED, SENTENCES[ErrorCode.ACCESS_DENIED], (RULE_SCOPE,))
    return None if everybody else actor.owner
