"""What the judge says. Deny wins, silence is deny (SPEC 6)."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from aiox.kernel.errors import ErrorCode


@dataclass(frozen=True, slots=True)
class Allow:
    """May go on. `rules` are the ids of the rules that decided."""

    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hold:
    """May go on once a person agreed: `kind` is confirm or four_eyes."""

    kind: str
    rules: tuple[str, ...]
    quorum: int = 1
    """How many must agree."""
    approvers: tuple[str, ...] = ()
    """Bare addresses of those who may; empty: whoever has the role."""
    second_factor: bool = False
    """Whether an approver must have shown a second factor."""
    organisations: tuple[UUID, ...] = ()
    """Where an approver must have the role, in each; empty: in any organisation of the agent's owner."""


@dataclass(frozen=True, slots=True)
class Deny:
    """May not. `code` is public; `reason` a sentence for a person; `rules` the ids of the rules that decided."""

    code: ErrorCode
    reason: str
    rules: tuple[str, ...]


Verdict = Allow | Hold | Deny
