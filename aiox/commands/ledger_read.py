"""Lists records of the ledger: decisions, outcomes, changes. Ids, digests and codes, never a text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Final
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.ledger_scope import Scope, entered, entered_organisation
from aiox.kernel.actions import Action
from aiox.kernel.outcome import Refused
from registry import ledger_rows
from registry.ledger_rows import LedgerRow, Wanted

ACTION: Final = Action.LEDGER_READ
MOST: Final = 200


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("this time is out of reach") from None


Moment = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A time with its zone, which also exists in UTC: the first and last hours of the calendar do not everywhere."""


class ReadLedger(Fields):
    """Which records, the newest first. `below` is the number of the last one of the page before.

    With `organisation` those that name it, of all its members; `scope` says nothing then.
    """

    scope: Scope = Scope.OWN
    organisation: UUID | None = None
    below: int | None = Field(None, ge=1, lt=1 << 63)
    event_type: str | None = Field(None, max_length=100)
    severity: str | None = Field(None, max_length=20)
    correlation_id: UUID | None = None
    since: Moment | None = None
    until: Moment | None = None
    limit: int = Field(50, ge=1, le=MOST)


async def run(hub: Hub, actor: Actor, fields: ReadLedger) -> Sequence[LedgerRow] | Refused:
    """The records. ACCESS_DENIED for everybody's to whom is neither operator nor the hub's auditor, and for an
    organisation's to a member who does not oversee it; NOT_FOUND for an organisation of others.
    """
    since: datetime | None = fields.since
    wanted = Wanted(fields.below, fields.event_type, fields.severity, fields.correlation_id, since, fields.until)
    if fields.organisation is not None:
        no = await entered_organisation(hub, actor, ACTION, fields.organisation)
        if no is not None:
            return no
        return await ledger_rows.list_of_organisation(hub.pool, actor.owner, fields.organisation, wanted, fields.limit)
    owner = await entered(hub, actor, ACTION, fields.scope)
    if isinstance(owner, Refused):
        return owner
    if owner is None:
        return await ledger_rows.list_all(hub.pool, wanted, fields.limit)
    return await ledger_rows.list_of_owner(hub.pool, owner, wanted, fields.limit)
