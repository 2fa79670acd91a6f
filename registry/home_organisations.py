"""The organisation whose auditors see what is done with an account's agents: the one that it joined first."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final
from uuid import UUID

from aiox.kernel.ids import HUB_OWNER, OwnerId
from aiox.runtime.postgres import Pool
from policy.oversight import is_overseen

FRESH_S: Final = 10.0
"""How long what was read is taken for true, in seconds: a record is stamped with it, nothing is decided by it."""
_SIZE: Final = 4096


class HomeOrganisations:
    """What one process has read of it lately."""

    def __init__(self) -> None:
        self._known: OrderedDict[OwnerId, tuple[float, UUID | None]] = OrderedDict()

    async def of(self, pool: Pool, owner: OwnerId | None, action: str, now_s: float) -> UUID | None:
        """The organisation to stamp a record of this action or event with; None for what auditors have no part in.

        `now_s` is monotonic. Raises what the store raises.
        """
        if owner is None or owner == HUB_OWNER or not is_overseen(action):
            return None
        read_at, found = self._known.get(owner, (float("-inf"), None))
        if now_s - read_at >= FRESH_S:
            found = await pool.fetchval("SELECT find_organisation($1)", owner)
            self._known[owner] = now_s, found
            self._known.move_to_end(owner)
            if len(self._known) > _SIZE:
                self._known.popitem(last=False)
        return found
