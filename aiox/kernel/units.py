"""Limits that more than one room must agree on, with their units."""

from __future__ import annotations

from typing import Final

MAX_BODY_BYTES: Final = 64 * 1024
"""Longest message body accepted, in bytes of UTF-8."""

SHORT_TERM_TTL_S: Final = 7 * 24 * 3600
"""How long an idle conversation stays in short-term memory, in seconds."""

RING_TTL_S: Final = 10.0
"""How long an orchestrator goes on with a tenant's key ring that it has read, in seconds."""

KEY_KEEP_DAYS: Final = SHORT_TERM_TTL_S // 86_400
"""How long a data key that seals no record is kept: a conversation in Redis may need it."""


def estimate_tokens(text: str) -> int:
    """Tokens of a text, estimated high: one per three bytes of UTF-8, rounded up.

    Reservations are made with it before a model has counted; providers' own figures replace it at settlement.
    """
    return -(-len(text.encode()) // 3)
