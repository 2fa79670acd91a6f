"""What an agent is (SPEC 2): its fields, their defaults and limits, its policy hash and its descriptor (ACD)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from aiox.kernel.canonical import Json, digest
from aiox.kernel.ids import AgentId, OwnerId

DEFAULT_EMBEDDING_MODEL: Final = "sentence-transformers/all-MiniLM-L6-v2"
MAX_PROMPT_CHARACTERS: Final = 32_768

Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""One line of text, without control characters."""
Prose = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
"""Text of any form but for the NUL character, which no store takes."""
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[\w.:/-]+$")]
"""A technical name: letters, digits and `_ . : / -`."""
DomainName = Annotated[
    str, StringConstraints(to_lower=True, max_length=253, pattern=r"^(\*\.)?([a-z0-9-]{1,63}\.)*[a-z0-9-]{1,63}$")
]


class Part(BaseModel):
    """A frozen part of an agent. Unknown fields are refused, so that a misspelt limit is not silently no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Visibility(StrEnum):
    """Who may know of the agent and talk to it."""

    PRIVATE = "private"
    SHARED = "shared"
    PUBLIC = "public"


class Fallback(Part):
    """Another model to try when the first fails."""

    provider: Word
    model: Word


class LlmConfig(Part):
    """The model. Empty provider and model: what the hub has configured, or its offline responder."""

    provider: Word | Literal[""] = ""
    model: Word | Literal[""] = ""
    temperature: float = Field(0.7, ge=0, le=2)
    max_tokens: int = Field(4096, ge=1, le=1_000_000, description="tokens of an answer at most")
    worker_pool: Word = "default"
    fallbacks: tuple[Fallback, ...] = Field((), max_length=5)


class Capabilities(Part):
    """What the agent is good at, and how much it weighs in the queue."""

    domain_tags: tuple[Line, ...] = Field((), max_length=32)
    priority_weight: float = Field(0.5, ge=0, le=1)


class MemoryConfig(Part):
    """What the agent remembers, and for how long."""

    type: Literal["short_term", "long_term", "hybrid"] = "hybrid"
    short_term_limit: int = Field(10, ge=0, le=100, description="messages kept in short-term memory")
    long_term_enabled: bool = True
    embedding_model: Word = DEFAULT_EMBEDDING_MODEL
    retention_days: int = Field(365, ge=1, le=3650)


class ToolPolicy(Part):
    """A tool's policy, written out. What is left out falls back to the tool's own default."""

    rate_limit_per_minute: int | None = Field(None, ge=1, le=10_000)
    allowed_domains: tuple[DomainName, ...] | None = None
    requires_approval: bool | None = None
    audit_log: bool | None = None
    read_only: bool | None = None
    sandbox_required: bool | None = None
    allowed_tables: tuple[Word, ...] | None = None
    timeout_ms: int | None = Field(None, ge=1, le=600_000)
    max_bytes: int | None = Field(None, ge=1, le=1 << 30)


class Tool(Part):
    """A tool that the agent may ask for."""

    name: Literal[
        "document_parser",
        "search_api",
        "code_executor",
        "email_sender",
        "database_query",
        "http_request",
        "append_line",
    ]
    policy: Literal["read_only", "rate_limited", "approval"] | ToolPolicy = "approval"


class Governance(Part):
    """Limits of this agent; the account's own limits hold beside them and the tightest decides."""

    max_tokens_per_minute: int = Field(1000, ge=1, le=10**9)
    max_tokens_per_day: int = Field(200_000, ge=1, le=10**12)
    max_memory_mb: int = Field(512, ge=0, le=10**6)
    max_concurrent: int = Field(4, ge=1, le=1000)
    max_worker_ms: int = Field(60_000, ge=100, le=600_000)
    allowed_domains: tuple[DomainName, ...] = Field((), max_length=100)
    audit_log_enabled: bool = True
    approvals: tuple[Word, ...] = Field((), max_length=32, description="tools that always need an approval")


class AgentSpec(Part):
    """Everything of a version but the system prompt, which is stored encrypted beside it."""

    name: Annotated[Line, StringConstraints(min_length=1, max_length=100)]
    description: Prose = Field("", max_length=2000)
    personality_traits: tuple[Line, ...] = Field((), max_length=16)
    avatar: Prose = Field("", max_length=2000)
    llm_config: LlmConfig = LlmConfig()
    capabilities: Capabilities = Capabilities()
    memory_config: MemoryConfig = MemoryConfig()
    tools: tuple[Tool, ...] = Field((), max_length=32)
    governance: Governance = Governance()
    visibility: Visibility = Visibility.PRIVATE

    def policy_hash(self) -> str:
        """SHA-256, in hex, over the canonical JSON of what governs the agent: whom it serves, what it may do, spend
        and keep, and which model sees the texts. Its name, prompt and tags are not among that.
        """
        governing: Json = self.model_dump(
            mode="json", include={"visibility", "governance", "tools", "llm_config", "memory_config"}
        )
        return digest(governing)


class Descriptor(Part):
    """The Agent Capability Descriptor: what the hub says of an agent to those who may see it."""

    agent_id: AgentId
    owner: OwnerId
    visibility: Visibility
    governance_version: int
    policy_hash: str
    worker_pool: str
    llm_provider: str
    version: int
    domain_tags: tuple[str, ...]
    tools: tuple[str, ...]


def descriptor(agent_id: AgentId, owner: OwnerId, number: int, spec: AgentSpec) -> Descriptor:
    """The ACD of version `number`. Governance is versioned with the agent, so both numbers are the same."""
    return Descriptor(
        agent_id=agent_id,
        owner=owner,
        visibility=spec.visibility,
        governance_version=number,
        policy_hash=spec.policy_hash(),
        worker_pool=spec.llm_config.worker_pool,
        llm_provider=spec.llm_config.provider,
        version=number,
        domain_tags=spec.capabilities.domain_tags,
        tools=tuple(tool.name for tool in spec.tools),
    )
