"""Exports the ledger with its proofs, as JSON lines or CSV: everybody's as a whole, or one's own records."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.ledger_scope import Scope, entered
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused
from policy.exports import Form as Form
from policy.exports import csv_head, to_csv
from registry import ledger_export
from registry.ledger_export import NothingSigned

ACTION: Final = Action.LEDGER_EXPORT
RULE_SIGNED: Final = "L1 nothing-signed"


class ExportLedger(Fields):
    """Whose records, and in which form."""

    scope: Scope = Scope.OWN
    format: Form = Form.JSONL
    witnessed: bool = False
    """Only up to the newest checkpoint that another hub has co-signed."""


async def run(hub: Hub, actor: Actor, fields: ExportLedger) -> AsyncIterator[bytes] | Refused:
    """The lines of the file, read as they are asked for. CONFLICT while no checkpoint has been signed."""
    owner = await entered(hub, actor, ACTION, fields.scope)
    if isinstance(owner, Refused):
        return owner
    try:
        end = await ledger_export.newest(hub.pool, witnessed=fields.witnessed)
        if owner is None:
            lines = ledger_export.export_whole(hub.pool, end)
        else:
            lines = ledger_export.export_own(hub.pool, owner, end)
        first = await anext(lines)
    except NothingSigned as nothing:
        return Refused(ErrorCode.CONFLICT, f"Nothing can be exported yet: {nothing}.", (RULE_SIGNED,))
    return _written(first, lines, fields.format)


async def _written(first: bytes, lines: AsyncIterator[bytes], form: Form) -> AsyncIterator[bytes]:
    if form is Form.CSV:
        yield csv_head()
        yield to_csv(first)
        async for line in lines:
            yield to_csv(line)
    else:
        yield first
        async for line in lines:
            yield line
