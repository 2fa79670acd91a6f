"""A conversation with an agent, as JSON."""

from __future__ import annotations

from datetime import datetime

from gateway.schemas.common import Out


class MutedOut(Out):
    """Until when the agent says nothing unasked to you; null: it may."""

    muted_until: datetime | None
