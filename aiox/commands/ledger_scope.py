"""Whose records of the ledger a person may read: their own; an organisation's, who oversees it; everybody's, the hub's
auditor and the operator.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final
from uuid import UUID

from aiox.commands.gate import authorise_related
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refusal_of, refused
from aiox.kernel.account import HubRole
from aiox.kernel.actions import Action
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import HUB_OWNER, OwnerId
from aiox.kernel.outcome import Refused
from policy.access import Relation
from registry import organisations

RULE_SCOPE: Final = "L0 whose-records"
NOT_HERE: Final = Refused(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.NOT_FOUND], (RULE_SCOPE,))


class Scope(StrEnum):
    """`own`: one's own records. `hub`: all of the hub, ids and codes without any text."""

    OWN = "own"
    HUB = "hub"


async def entered_organisation(hub: Hub, actor: Actor, action: Action, organisation: UUID) -> Refused | None:
    """Passes the gate to the records that name an organisation: owners, admins and auditors of it.

    NOT_FOUND for who is no member of it, ACCESS_DENIED for a member who may not.
    """
    role = await organisations.role_in(hub.pool, actor.owner, organisation)
    relation = Relation.NONE if role is None else Relation(f"org_{role}")
    about = None if role is None else organisation
    no = refusal_of(await authorise_related(hub, actor, action, relation, actor.owner, about))
    return NOT_HERE if role is None else no


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
