"""Agents, as JSON: the fields of SPEC 2, and what the hub says beside them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from aiox.kernel.acd import Descriptor
from aiox.kernel.agent import (
    AgentSpec,
    Capabilities,
    Governance,
    LlmConfig,
    McpServer,
    MemoryConfig,
    Tool,
    Visibility,
)
from gateway.schemas.common import Out


class DocumentCounts(Out):
    """How many of an agent's documents are in which state."""

    ready: int
    waiting: int
    failed: int


class ShortProfile(Out):
    """How an agent shows itself in a list."""

    name: str
    description: str
    avatar: str


class AgentInList(Out):
    """An agent in its owner's list."""

    agent_id: UUID
    jid: str
    alias: str
    profile: ShortProfile
    visibility: Visibility
    active_version: int
    has_draft: bool
    documents: DocumentCounts
    created_at: datetime
    deleted_at: datetime | None


class AgentList(Out):
    """A page of the signed-in account's agents. `next` is the cursor of the next one; null on the last."""

    items: Sequence[AgentInList]
    next: str | None = None


class CreatedAgent(Out):
    """Where the new agent answers."""

    agent_id: UUID
    jid: str
    alias: str
    version: int
    policy_hash: str
    revision: int


class ProfileOut(Out):
    """How an agent shows itself, and its system prompt. `avatar` names an image: `sha256:` and its digest."""

    name: str
    description: str
    system_prompt: str
    personality_traits: Sequence[str]
    avatar: str


class AgentFieldsOut(Out):
    """The fields of SPEC 2 that an owner writes."""

    profile: ProfileOut
    llm_config: LlmConfig
    capabilities: Capabilities
    memory_config: MemoryConfig
    tools: Sequence[Tool]
    mcp_servers: Sequence[McpServer]
    governance: Governance
    visibility: Visibility


class AgentOut(AgentFieldsOut):
    """An agent as its owner sees it: its active version. `revision` grows with every change, its draft's too."""

    agent_id: UUID
    owner_user_id: UUID
    jid: str
    alias: str
    version: int
    policy_hash: str
    content_digest: str
    has_draft: bool
    shared_with: Sequence[str]
    descriptor: Descriptor
    revision: int
    created_at: datetime


class DraftOut(AgentFieldsOut):
    """A draft: what the next version will be. `base_version` is the one it began from."""

    agent_id: UUID
    base_version: int
    policy_hash: str
    revision: int
    changed_at: datetime


class VersionOut(AgentFieldsOut):
    """A version as it was published."""

    agent_id: UUID
    version: int
    policy_hash: str
    content_digest: str
    created_at: datetime


class VersionInList(Out):
    """A version in the list. `content_digest` freezes it: it is compared whenever the version is loaded."""

    version: int
    name: str
    policy_hash: str
    content_digest: str
    created_at: datetime


class VersionList(Out):
    """A page of versions, the newest first. `next` is the `below` of the next page; null on the last."""

    items: Sequence[VersionInList]
    next: int | None = None


class ActiveVersion(Out):
    """The version that turns begin with from now on."""

    agent_id: UUID
    version: int
    policy_hash: str
    content_digest: str
    revision: int


class FieldChange(Out):
    """One field that differs: a JSON Pointer, and canonical JSON of both sides; null where the field is not."""

    path: str
    kind: str
    before: str | None
    after: str | None


class DiffOut(Out):
    """What `after` changes against `before`. `system_prompt` is a unified diff, empty when the prompt is the same."""

    before: str
    after: str
    changes: Sequence[FieldChange]
    system_prompt_changed: bool
    system_prompt: str


class SharedOut(Out):
    """Whom the agent is shared with now."""

    shared_with: Sequence[str]
    revision: int


class AliasOut(Out):
    """The agent's short address now; empty: none."""

    alias: str
    jid: str
    revision: int


class RevisionOut(Out):
    """The agent's revision after the change."""

    revision: int


class RetiredOut(Out):
    """Which agent it was done to."""

    agent_id: UUID


def fields_of(spec: AgentSpec, system_prompt: str) -> AgentFieldsOut:
    """A specification and its prompt as the public JSON."""
    shown = {name: getattr(spec, name) for name in AgentFieldsOut.model_fields if name != "profile"}
    profile = ProfileOut(**spec.profile.model_dump(), system_prompt=system_prompt)
    return AgentFieldsOut(profile=profile, **shown)
