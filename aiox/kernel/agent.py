"""What an agent is (SPEC 2): its fields, their defaults and limits, and the hashes that freeze them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from aiox.kernel.answer_schema import wrong_in
from aiox.kernel.canonical import Json, digest
from aiox.kernel.ids import AgentId
from aiox.kernel.tool_table import ToolName

DEFAULT_EMBEDDING_MODEL: Final = "sentence-transformers/all-MiniLM-L6-v2"
MAX_PROMPT_CHARACTERS: Final = 32_768

Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""One line of text, without control characters."""
Prose = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
"""Text of any form but for the NUL character, which no store takes."""
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[\w.:/-]+$")]
"""A technical name: letters, digits and `_ . : / -`."""
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 in hex, lower case."""
AvatarRef = Annotated[str, StringConstraints(pattern=r"^(sha256:[0-9a-f]{64})?$")]
"""Which of the agent's stored images is its avatar; empty: none."""
ServerName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,23}$")]
"""The name of an MCP server within its agent."""
CredentialName = Annotated[str, StringConstraints(pattern=r"^([a-z0-9][a-z0-9_-]{0,62})?$")]
"""The name of a stored credential, never the secret itself; empty: none."""


def _is_answer_schema(value: dict[str, Any]) -> dict[str, Any]:
    if wrong := wrong_in(value):
        raise ValueError(wrong)
    return value


AnswerSchema = Annotated[dict[str, Any], AfterValidator(_is_answer_schema)]
"""See aiox.kernel.answer_schema."""
Recipient = Annotated[
    str,
    StringConstraints(to_lower=True, max_length=254, pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]+$"),
]
"""An e-mail address, in ASCII."""
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
    response_schema: AnswerSchema | None = Field(
        None,
        description="JSON Schema that every answer fits; a part of the language: no references, no patterns",
        exclude_if=lambda value: value is None,  # it says nothing then, and the hashes of before hold
    )


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
    summaries: bool = Field(
        default=True,
        description="long conversations are summed up, at the cost of a turn each time",
        exclude_if=lambda value: value,  # the hashes of before hold
    )
    learns: bool = Field(
        default=False,
        description="keeps what people say of themselves without being asked to, and tells them so",
        exclude_if=lambda value: not value,
    )


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
    allowed_recipients: tuple[Recipient, ...] | None = Field(
        None, max_length=100, description="e-mail addresses that may be written to without an approval"
    )


Policy = Literal["read_only", "rate_limited", "approval"] | ToolPolicy
"""A tool's policy: a preset word, or written out."""


class Tool(Part):
    """A tool that the agent may ask for."""

    name: ToolName
    policy: Policy = "approval"


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


class McpServer(Part):
    """An MCP server whose tools the agent may ask for, by the name `server__tool` (aiox.kernel.mcp).

    A tool may be called while it is what `schema_digests` says, or else what its owner has approved.
    """

    name: ServerName
    transport: Literal["stdio", "http"]
    command: tuple[Prose, ...] = Field((), max_length=32, description="program and arguments, for stdio")
    url: Annotated[str, StringConstraints(max_length=2000, pattern=r"^(https://[^\s\x00-\x1f\x7f]+)?$")] = ""
    credential: CredentialName = ""
    allowed_tools: tuple[Word, ...] = Field((), max_length=100, description="empty: none")
    schema_digests: dict[Word, Sha256] = Field({}, max_length=100, description="SHA-256 of each tool's pinned schema")
    policy: Policy = Field(
        "approval", description="of every tool of this server", exclude_if=lambda value: value == "approval"
    )

    @model_validator(mode="after")
    def _is_reachable(self) -> McpServer:
        if bool(self.command) != (self.transport == "stdio") or bool(self.url) != (self.transport == "http"):
            raise ValueError("transport stdio needs a command and no url, transport http a url and no command")
        if self.credential and self.transport == "stdio":
            raise ValueError("a stdio server has no network, and no use for a credential")
        return self


class Profile(Part):
    """How the agent shows itself. The system prompt stands here in the public JSON, and is stored encrypted apart."""

    name: Annotated[Line, StringConstraints(min_length=1, max_length=100)]
    description: Prose = Field("", max_length=2000)
    personality_traits: tuple[Line, ...] = Field((), max_length=16)
    avatar: AvatarRef = ""


class AgentSpec(Part):
    """Everything of a version but the system prompt, which is stored encrypted beside it."""

    profile: Profile
    llm_config: LlmConfig = LlmConfig()
    capabilities: Capabilities = Capabilities()
    memory_config: MemoryConfig = MemoryConfig()
    tools: tuple[Tool, ...] = Field((), max_length=32)
    mcp_servers: tuple[McpServer, ...] = Field((), max_length=16)
    governance: Governance = Governance()
    visibility: Visibility = Visibility.PRIVATE

    @model_validator(mode="after")
    def _names_stand_once(self) -> AgentSpec:
        for what, named in (("tools", self.tools), ("mcp_servers", self.mcp_servers)):
            if len({one.name for one in named}) != len(named):
                raise ValueError(f"a name stands twice in {what}")
        return self

    def policy_hash(self) -> str:
        """SHA-256, in hex, over the canonical JSON of what governs the agent: whom it serves, what it may do, spend
        and keep, and which model sees the texts. Its profile, prompt and tags are not among that.
        """
        governing: Json = self.model_dump(mode="json", include=set(GOVERNING))
        return digest(governing)


GOVERNING: Final = ("visibility", "governance", "tools", "mcp_servers", "llm_config", "memory_config")
"""The fields under the policy hash."""


def content_digest(agent_id: AgentId, number: int, policy_hash: str, spec: Json) -> str:
    """SHA-256, in hex, that freezes version `number`: over which agent's it is, its policy hash and its stored `spec`.

    The prompt is not in it: it is sealed with a tag that binds it to the version, and a hash would let it be guessed.
    """
    return digest({"agent_id": str(agent_id), "version": number, "policy_hash": policy_hash, "spec": spec})
