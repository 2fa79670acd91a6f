"""`aiox ledger list`: records as lines, of everybody or of one account; ids, digests and codes, never a text."""

from __future__ import annotations

import json
from typing import Any

from aiox.cli.agents import desk, done, form
from aiox.cli.users import open_desk
from aiox.commands import ledger_read
from aiox.commands.ledger_read import ReadLedger
from aiox.commands.ledger_scope import Scope
from aiox.runtime.settings import Settings
from registry.ledger_rows import LedgerRow


async def listed(settings: Settings, owner: str, **filters: Any) -> str:
    """The newest records first; without an owner everybody's. `filters` as in ReadLedger. Raises CannotGoOn."""
    scope = Scope.OWN if owner else Scope.HUB
    fields = form(ReadLedger, {**{name: one for name, one in filters.items() if one}, "scope": scope})
    async with desk(settings, owner) if owner else open_desk(settings) as here:
        found = done(await ledger_read.run(here.hub, here.actor, fields))
    if not found:
        return "No record fits."
    more = f"\nOlder ones: --below {found[-1].seq}" if len(found) == fields.limit and found[-1].seq > 1 else ""
    return "\n".join(_line(row) for row in found) + more


def _line(row: LedgerRow) -> str:
    details = json.dumps(row.details, sort_keys=True, ensure_ascii=True)
    actor = "".join(one if one.isprintable() else "?" for one in row.actor) or "-"
    return (
        f"{row.seq:>8}  {row.created_at:%Y-%m-%d %H:%M:%S}  {row.severity:<7}  {row.event_type:<24} {actor}  {details}"
    )
