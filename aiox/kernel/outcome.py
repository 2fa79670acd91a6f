"""How a turn ended. Expected endings are values; exceptions mean broken infrastructure or a bug."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from aiox.kernel.errors import ErrorCode


@dataclass(frozen=True, slots=True)
class Citation:
    """A recalled passage that an answer rests on. `distance` is cosine distance, 0 to 2."""

    memory_id: UUID
    document_id: UUID | None
    title: str
    section: str
    distance: float


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens as the provider counted them, or as estimated when it did not say."""

    input_tokens: int
    output_tokens: int

    @property
    def total(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class Answered:
    """The turn has an answer for the sender."""

    text: str
    usage: Usage
    citations: tuple[Citation, ...]
    tools_called: tuple[str, ...]
    recalled: tuple[UUID, ...]
    model: str
    worker_id: str
    worker_ms: int
    model_ms: int
    cost_nanousd: int | None = None
    """What its model calls cost, estimated, in billionths of a US dollar; None: unknown."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A rule said no before anything ran. `rules` are the ids of the rules that decided."""

    code: ErrorCode
    reason: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """The turn was allowed and could not be answered. `usage` is what was spent all the same."""

    code: ErrorCode
    reason: str
    usage: Usage
    worker_id: str = ""
    worker_ms: int = 0
    model: str = ""
    """What was asked last; empty when nothing was."""
    cost_nanousd: int | None = None
    """Of what was spent all the same, as of an answer."""


Outcome = Answered | Refused | Failed
