"""What happened to accounts, as rows of the ledger: ids, roles and codes, never an address or a text."""

from __future__ import annotations

from typing import Final, Literal
from uuid import UUID, uuid4

from aiox.commands.gate import organisation_of
from aiox.commands.hub import Actor, Hub
from aiox.kernel.canonical import Json
from aiox.kernel.ids import HUB_OWNER, OwnerId
from aiox.kernel.jid import BareJid
from policy.ledger import Record
from registry import ledger

NOBODY: Final = Actor(HUB_OWNER, BareJid(""))
"""Who asks before the hub knows who it is."""


async def happened(
    hub: Hub,
    actor: Actor,
    event: str,
    severity: Literal["info", "warning"] = "info",
    *,
    about: OwnerId | None = None,
    organisation: UUID | None = None,
    **details: Json,
) -> None:
    """Appends one row. `about` is the account that it happened to, when it is not the actor's own."""
    record = Record(
        id=uuid4(),
        owner=about or actor.owner,
        event_type=event,
        severity=severity,
        details=details,
        created_at=hub.clock.now(),
        actor=actor.jid,
        organisation_id=organisation or await organisation_of(hub, about or actor.owner, event),
    )
    await ledger.append(hub.pool, [record])
