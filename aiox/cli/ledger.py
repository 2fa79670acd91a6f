"""`aiox ledger ...`: proofs over the append-only ledger."""

from __future__ import annotations

from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime import postgres
from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import Settings
from policy.ledger import Fault
from registry.ledger import verify_chain


async def verify(settings: Settings) -> str:
    """Walks the whole chain of a running hub. Returns the head in words. Raises CannotGoOn."""
    pool = await postgres.connect(settings, Secrets.of(settings.home, "gateway"), "gateway")
    try:
        found = await verify_chain(pool)
    finally:
        await pool.close()
    if isinstance(found, Fault):
        raise CannotGoOn(
            f"record {found.seq} of the ledger is bad: {found.what}. Mend: docs/security.md, 'The ledger'."
        )
    seq, head = found
    return f"The ledger holds: {seq} records, head {head.hex()}."
