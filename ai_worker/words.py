"""Words of this room: what a turn asks, what memory gave it, what a model is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final
from uuid import UUID

from aiox.kernel.canonical import Json

LEARNS: Final = "(This agent keeps what you tell about yourself. /memory lists it, /forget takes it away.)"
"""What an agent that learns says below its answers."""


class Task(StrEnum):
    """What a turn is asked for: an answer to its message, or a summary of its history."""

    ANSWER = ""
    SUMMARY = "summary"


class Kind(StrEnum):
    """What a memory is."""

    CHUNK = "chunk"
    FACT = "fact"
    SUMMARY = "summary"


@dataclass(frozen=True, slots=True)
class Passage:
    """A recalled memory. `distance` is cosine distance to the question, 0 to 2; nearest is smallest."""

    memory_id: UUID
    document_id: UUID | None
    kind: Kind
    title: str
    """Of the document; empty for a fact and a summary."""
    section: str
    """Headings above the passage, joined by ` > `; may be empty."""
    content: str
    distance: float


@dataclass(frozen=True, slots=True)
class Exchange:
    """One earlier question and its answer."""

    user: str
    assistant: str


@dataclass(frozen=True, slots=True)
class Remembered:
    """A fact the user asked to keep in this very turn. `stored` is false when memory is full or switched off."""

    fact: str
    stored: bool


@dataclass(frozen=True, slots=True)
class ToolOffer:
    """A tool that this turn may ask for. `schema` is the JSON Schema of its arguments."""

    name: str
    description: str
    schema: Mapping[str, Json]
    read_only: bool = False
    """It changes nothing: may run beside others."""
    mcp: bool = False
    """It is an MCP server's."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call as the model wrote it: `id` is the model's own, `arguments` should be a JSON object."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Acted:
    """One round of acting: what the model said and called, and what it is shown of each call, in order."""

    said: str
    calls: tuple[ToolCall, ...]
    shown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """Where a held turn goes on: its rounds until then. The approved call stands at `place` of the last one."""

    acted: tuple[Acted, ...]
    place: int

    @property
    def call(self) -> ToolCall:
        """The approved call."""
        return self.acted[-1].calls[self.place]

    def with_result(self, shown: str) -> tuple[Acted, ...]:
        """The rounds, now that the call has run."""
        last = self.acted[-1]
        results = (*last.shown[: self.place], shown, *last.shown[self.place + 1 :])
        return (*self.acted[:-1], replace(last, shown=results))


@dataclass(frozen=True, slots=True)
class Rejected:
    """An answer in the wrong form, and a sentence on what is wrong."""

    said: str
    wrong: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """Everything a model may use for one answer. History stands oldest first, passages nearest first."""

    agent_name: str
    system_prompt: str
    message: str
    history: tuple[Exchange, ...] = ()
    passages: tuple[Passage, ...] = ()
    remembered: Remembered | None = None
    language: str = ""
    tone: str = ""
    """Of aiox.kernel.preferences; empty as the agent is."""
    format: str = ""
    tools: tuple[ToolOffer, ...] = ()
    acted: tuple[Acted, ...] = ()
    """What this very turn has done so far."""
    answer_schema: Mapping[str, Json] | None = None
    """JSON Schema that the answer must fit; None: any text."""
    rejected: tuple[Rejected, ...] = ()
    """Answers of this very turn that did not fit, and why."""
    learnt: tuple[str, ...] = ()
    """What this very message told of its sender, and is kept since; it is none of `passages`."""
    task: Task = Task.ANSWER
    """For a summary, `message` is the summary so far and `history` the turns to add to it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call may use: tokens, input and output together and output alone, and seconds for one try."""

    max_total_tokens: int
    max_output_tokens: int = 4096
    temperature: float = 0.7
    timeout_s: float = 30.0


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """Which provider and model answer, and the credential that came with the turn. Empty provider: offline."""

    provider: str = ""
    name: str = ""
    api_base: str = ""
    api_key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Turn:
    """One message to think about. Owner and agent come from the token, never from a field."""

    request_id: UUID
    owner: UUID
    agent: UUID
    subject: str
    """Bare JID of the correspondent."""
    prompt: Prompt
    """Without passages yet."""
    limits: Limits
    choices: tuple[ModelChoice, ...]
    """The agent's model and its fallbacks, in order; at least one."""
    timeout_s: float
    """For the whole turn."""
    long_term: bool = True
    """Whether recall and storing are on for this agent."""
    memory_full: bool = False
    memory_empty: bool = False
    """Nothing was stored for the agent when the turn was asked: there is nothing to recall."""
    learns: bool = False
    """Whether the agent may keep what people say of themselves without being asked to."""
    held: Held | None = None
    """Of a turn that was held: its approved call comes first, then the model reads what came of it."""
    attached: tuple[UUID, ...] = ()
    """Documents that came with the message: how they begin is read, whatever is asked."""
    traceparent: str = ""
    correlation_id: str = ""
