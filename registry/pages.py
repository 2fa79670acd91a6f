"""Where a list goes on: keyset pages, in the order of `created_at` and id, so that no row is skipped or given twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

MOST: Final = 200
"""Items on one page at most."""


@dataclass(frozen=True, slots=True)
class Position:
    """The last row of a page. The next page begins behind it: `(created_at, id) > ($1, $2)`, or `<` newest first."""

    at: datetime
    id: UUID
