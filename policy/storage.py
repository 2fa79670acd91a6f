"""Storage maths (SPEC 6): what a document takes, and when an agent's memory is full. Pure.

Counted are documents, the passages cut from them and the facts remembered, each with its vector, and pictures. A full
memory refuses to store; answering goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from policy.group_quota import GroupBudget

MIB: Final = 1 << 20
VECTOR_BYTES: Final = 2 * 384
"""Of one passage: 384 numbers of two bytes."""
PASSAGE_CHARACTERS: Final = 800
"""Passages are about this long; shorter ones are rare enough."""


@dataclass(frozen=True, slots=True)
class Storage:
    """What an account, one of its agents and its organisations use, in bytes, and what they may use, in MiB."""

    account_bytes: int
    account_mb: int
    agent_bytes: int
    agent_mb: int
    groups: tuple[GroupBudget, ...] = ()
    """What else limits it: the organisations of the owner."""

    @property
    def left(self) -> int:
        """Bytes that may still be stored: the tightest of them; below 0 when a limit was lowered."""
        return self._tightest.left

    @property
    def full(self) -> bool:
        """Whether nothing may be stored."""
        return self.left <= 0

    def refusal(self, needed: int) -> str:
        """The sentence for a person whose `needed` bytes do not fit: which limit, how much is used, what would help."""
        one = self._tightest
        return (
            f"The memory of {one.whose} would hold {(one.used + needed) / MIB:.1f} MiB, and {one.limit_mb} MiB are"
            " allowed. Nothing was stored. Delete documents, or raise max_memory_mb."
        )

    @property
    def _tightest(self) -> _Room:
        shared = [
            _Room("your organisation", one.limits.max_memory_mb, one.stored)
            for one in self.groups
            if one.limits.max_memory_mb is not None
        ]
        own = (
            _Room("this agent", self.agent_mb, self.agent_bytes),
            _Room("your account", self.account_mb, self.account_bytes),
        )
        return min((*own, *shared), key=lambda room: room.left)


@dataclass(frozen=True, slots=True)
class _Room:
    whose: str
    limit_mb: int
    used: int

    @property
    def left(self) -> int:
        return self.limit_mb * MIB - self.used


def passages_of(text_bytes: int) -> int:
    """What the passages of a text will take beside it, each with its vector. Estimated before it is cut."""
    return text_bytes + -(-text_bytes // PASSAGE_CHARACTERS) * VECTOR_BYTES
