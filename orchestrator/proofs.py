"""What each step proves to the next. Frozen; a step can only be called with the proof of the step before it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from aiox.kernel.canonical import Json
from aiox.kernel.envelope import HUB, Envelope, MessageReceived
from aiox.kernel.ids import HUB_OWNER, AgentId, OwnerId, VersionId, derived_id
from aiox.kernel.jid import BareJid
from aiox.kernel.mcp import McpTool
from aiox.kernel.outcome import Answered, Failed, Refused
from aiox.kernel.preferences import Preferences
from aiox.kernel.tools import ToolDescription
from aiox.runtime.keyring import KeyRing
from orchestrator.spending import NOTHING_PAID, Paid, Spending
from policy.access import Relation
from policy.ledger import Record
from policy.quota import Reservation
from policy.scoring import Inputs
from policy.storage import Storage
from policy.tools import AllowedTools, Configured
from registry.agent_versions import StoredVersion
from registry.approvals import Kept
from registry.quotas import Conversation
from registry.short_term import PastTurn
from registry.turns import QuotaConfig, TurnFacts


def _nothing() -> None:
    """A turn alone in its group has nothing to seal."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A message taken from the bus. `fence` is the lease's token of its partition; `sequence` its admission order."""

    envelope: Envelope[MessageReceived]
    partition: int
    fence: int
    sequence: int
    suspect: bool = False
    """It may have been in somebody's hands before: delivered again, or to an owner who died."""
    members: tuple[Turn, ...] = ()
    """The messages that share this turn, when there are several."""
    seal: Callable[[], None] = _nothing
    """To be called before anything is shown or done: until then another message may restart the turn."""
    spending: Spending = field(default_factory=Spending, compare=False)
    """Of attempts that ended early."""

    @property
    def all_members(self) -> tuple[Turn, ...]:
        """The messages of this turn, itself when it is alone."""
        return self.members or (self,)

    @property
    def generation(self) -> UUID:
        """The parent of the ids of what this turn leaves for ever. The same at every attempt; another one when a client
        uses an id and a text again after the days for which the inbox knows them.
        """
        return derived_id(self.message.turn_id, self.envelope.occurred_at.isoformat())

    @property
    def admitted_s(self) -> float:
        """When it was admitted, in seconds since 1970 by the clock of the door that let it in."""
        return self.envelope.occurred_at.timestamp()

    def with_agent(self, agent: AgentId | None) -> Turn:
        """The same turn on the agent that was found behind its address; on none, itself."""
        if agent is None or agent == self.message.agent_id:
            return self
        envelope = replace(self.envelope, payload=replace(self.message, agent_id=agent))
        return replace(self, envelope=envelope, members=tuple(member.with_agent(agent) for member in self.members))

    @property
    def message(self) -> MessageReceived:
        """What was said, by whom, to whom."""
        return self.envelope.payload

    @property
    def attributes(self) -> Mapping[str, str]:
        """What its spans carry."""
        return {"aiox.turn_id": str(self.message.turn_id), "aiox.correlation_id": str(self.envelope.correlation_id)}


@dataclass(frozen=True, slots=True)
class Repeated:
    """The turn was concluded before: this delivery has nothing left to do."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class Stopped:
    """A step said no before the turn ran. `decision` is the gate's row."""

    turn: Turn
    owner: OwnerId
    outcome: Refused | Failed | Answered
    """Answered: what is known of the tools of an attempt that was interrupted."""
    decision: Record
    alert_to: BareJid | None = None
    """The agent's owner, when somebody else's message ended as a dead letter."""


@dataclass(frozen=True, slots=True)
class Identified:
    """Step 4: what the sender is to the agent."""

    turn: Turn
    facts: TurnFacts


@dataclass(frozen=True, slots=True)
class Authorised:
    """Step 5: the gate let the turn in. From here on an owner is known."""

    turn: Turn
    owner: OwnerId
    version_id: VersionId
    quota: QuotaConfig
    called: bool
    """A tool was let through in an attempt before this one."""
    decision: Record
    relation: Relation
    """What the sender is to the agent."""
    facts: TurnFacts

    @classmethod
    def of(cls, identified: Identified, decision: Record) -> Authorised:
        """Narrows the facts. Raises ValueError when the gate allowed a turn on nobody's agent."""
        facts = identified.facts
        if facts.owner is None or facts.version_id is None or facts.quota is None or facts.owner == HUB_OWNER:
            raise ValueError("allowed without an owner, a version or a budget")
        known = facts.owner, facts.version_id, facts.quota
        return cls(identified.turn, *known, facts.called, decision, facts.relation, facts)


@dataclass(frozen=True, slots=True)
class Delegation:
    """By whom an agent is asked in a person's turn, and what that turn leaves to it. It only ever shrinks."""

    chain: tuple[AgentId, ...]
    """Who has asked whom; the first is the agent that the person talks to."""
    call: UUID
    """The tool call that asks."""
    until: float
    """Monotonic seconds."""
    tokens: int
    """Input and output together."""
    counted: frozenset[UUID]
    """Budgets on which the asking turn counts already."""
    same_owner: bool
    """Whether the agent that asks has the same owner."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Steps 6 and 7: the version this turn is pinned to, opened, and the tools it may ask for."""

    authorised: Authorised
    version: StoredVersion
    ring: KeyRing
    system_prompt: str
    tools: AllowedTools
    preferences: Preferences
    """Of the person who asks."""
    storage: Storage
    """What the agent and its owner have stored already."""
    approved: Kept | None = None
    """The approval by which a held turn goes on; None for an ordinary turn."""
    attached: tuple[UUID, ...] = ()
    """Documents that came with the message."""
    notes: tuple[str, ...] = ()
    """What the hub adds to the answer: files that it could not take."""
    mcp: Mapping[str, McpTool] = field(default_factory=dict)
    """Tools of the agent's MCP servers that this turn may ask for, by the name in a call."""
    task: str = ""
    """What the worker is asked for: empty for an answer (proto/aiox/wire/v1/worker.proto)."""
    delegation: Delegation | None = None
    """Of a turn in which an agent asks; None when a person does."""

    @property
    def turn(self) -> Turn:
        """The turn."""
        return self.authorised.turn

    @property
    def chain(self) -> tuple[AgentId, ...]:
        """The agents that have asked one another, with this one at the end."""
        return (*(self.delegation.chain if self.delegation else ()), self.version.agent_id)

    @property
    def configured(self) -> Sequence[Configured]:
        """What the agent was given, of the hub and of its MCP servers."""
        return (*self.version.tools, *self.mcp.values())

    def known(self, tools: Mapping[str, ToolDescription]) -> Mapping[str, ToolDescription]:
        """The hub's registry with this turn's tools of MCP servers beside it."""
        return {**tools, **{name: one.description for name, one in self.mcp.items()}} if self.mcp else tools


@dataclass(frozen=True, slots=True)
class Reserved:
    """The rest of step 5: tokens set aside, and the conversation so far."""

    loaded: Loaded
    conversation: Conversation
    reservation: Reservation
    history: tuple[PastTurn, ...]
    minute: int
    """Number of the minute since 1970 in which it was made: its use is counted there."""
    crashed: int = 0
    """Tokens of attempts that died with their orchestrator."""


@dataclass(frozen=True, slots=True)
class Assigned:
    """Step 8: the turn's place in the queue, with the inputs that gave it."""

    reserved: Reserved
    inputs: Inputs
    points: float

    @property
    def waits_from_s(self) -> float:
        """When it was admitted; what the hub does by itself is behind everything that people have asked."""
        turn = self.reserved.loaded.turn
        return math.inf if turn.envelope.channel == HUB else turn.admitted_s

    @property
    def scoring(self) -> dict[str, Json]:
        """What is stored with the execution, so that the order can be recomputed."""
        return {
            "admitted_s": self.reserved.loaded.turn.admitted_s,
            "S": self.points,
            "R": self.inputs.reputation,
            "T": self.inputs.tools,
            "P": self.inputs.priority,
            "C": self.inputs.capacity,
        }


@dataclass(frozen=True, slots=True)
class Dispatched:
    """Steps 9 to 11: what came back from the worker."""

    assigned: Assigned
    outcome: Answered | Failed
    credentials: tuple[UUID, ...] = ()
    """The stored credentials that went along."""
    cut_off: int = 0
    """Tokens of attempts before this one that ended early."""
    approvals: tuple[str, ...] = ()
    """Names of those that the person may decide on."""

    paid: Paid = NOTHING_PAID
    """What other agents took of it."""

    @property
    def tokens(self) -> int:
        """What the turn has used in all."""
        return self.own_tokens + self.paid.tokens

    @property
    def own_tokens(self) -> int:
        """What its own model has used."""
        return self.outcome.usage.total + self.cut_off

    @property
    def cost_nanousd(self) -> int | None:
        """What its own model has cost, estimated; None: unknown. Attempts before this one are taken to have cost as
        much per token as this one, for their worker's word on it is lost.
        """
        known, own = self.outcome.cost_nanousd, self.outcome.usage.total
        if not self.own_tokens:
            return 0
        if known is None or not self.cut_off:
            return known
        return None if not own else round(known * self.own_tokens / own)

    @property
    def turn(self) -> Turn:
        """The turn."""
        return self.loaded.turn

    @property
    def loaded(self) -> Loaded:
        """The version it ran with."""
        return self.assigned.reserved.loaded

    @property
    def owner(self) -> OwnerId:
        """The agent's owner."""
        return self.loaded.authorised.owner

    @property
    def decision(self) -> Record:
        """The gate's row."""
        return self.loaded.authorised.decision


Accepted = Dispatched | Stopped


@dataclass(frozen=True, slots=True)
class AgentAsked:
    """A question of one agent to another: `loaded` is the turn that asks, `until` in monotonic seconds."""

    loaded: Loaded
    call: UUID
    to: AgentId | None
    """None: it is on another hub."""
    address: BareJid
    message: str
    until: float
    tokens: int


@dataclass(frozen=True, slots=True)
class AgentAnswered:
    """What came of it: a text, or the sentence why there is none; and the tokens that it has cost."""

    text: str
    error: str = ""
    tokens: int = 0
