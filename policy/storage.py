"""Storage maths (SPEC 6): what a document takes, and when an agent's memory is full. Pure.

Counted are documents, the passages cut from them and the facts remembered, each with its vector, and pictures. A full
memory refuses to store; answering goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MIB: Final = 1 << 20
VECTOR_BYTES: Final = 2 * 384
"""Of one passage: 384 numbers of two bytes."""
PASSAGE_CHARACTERS: Final = 800
"""Passages are about this long; shorter ones are rare enough."""


@dataclass(frozen=True, slots=True)
class Storage:
    """What an account and one of its agents use, in bytes, and what they may use, in MiB."""

    account_bytes: int
    account_mb: int
    agent_bytes: int
    agent_mb: int

    @property
    def left(self) -> int:
        """Bytes that may still be stored: the tighter of the two; below 0 when a limit was lowered."""
        return min(self.account_mb * MIB - self.account_bytes, self.agent_mb * MIB - self.agent_bytes)

    @property
    def full(self) -> bool:
        """Whether nothing may be stored."""
        return self.left <= 0

    def refusal(self, needed: int) -> str:
        """The sentence for a person whose `needed` bytes do not fit: which limit, how much is used, what would help."""
        agents = self.agent_mb * MIB - self.agent_bytes <= self.account_mb * MIB - self.account_bytes
        whose, limit, used = (
            ("this agent", self.agent_mb, self.agent_bytes)
            if agents
            else ("your account", self.account_mb, self.account_bytes)
        )
        return (
            f"The memory of {whose} would hold {(used + needed) / MIB:.1f} MiB, and {limit} MiB are allowed."
            " Nothing was stored. Delete documents, or raise max_memory_mb."
        )


def passages_of(text_bytes: int) -> int:
    """What the passages of a text will take beside it, each with its vector. Estimated before it is cut."""
    return text_bytes + -(-text_bytes // PASSAGE_CHARACTERS) * VECTOR_BYTES
