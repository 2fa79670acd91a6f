"""What was erased, as JSON."""

from __future__ import annotations

from gateway.schemas.common import Out


class ErasedOut(Out):
    """How many rows were deleted from the database."""

    rows: int
