"""What an agent is: defaults, limits, and the hashes that freeze it."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from aiox.kernel.agent import (
    AgentSpec,
    Capabilities,
    Governance,
    LlmConfig,
    McpServer,
    Profile,
    Tool,
    ToolPolicy,
    Visibility,
)

ADA = AgentSpec(profile=Profile(name="Ada"))


def test_defaults_are_those_of_the_specification() -> None:
    assert (ADA.llm_config.temperature, ADA.llm_config.max_tokens) == (0.7, 4096)
    assert (ADA.memory_config.short_term_limit, ADA.governance.max_memory_mb) == (10, 512)
    assert ADA.governance.max_tokens_per_minute == 1000
    assert ADA.visibility is Visibility.PRIVATE
    assert ADA.memory_config.embedding_model == "sentence-transformers/all-MiniLM-L6-v2"


@pytest.mark.parametrize(
    "given",
    [
        {"profile": {"name": ""}},
        {"profile": {"name": "  "}},
        {"profile": {"name": "a\nb"}},
        {"profile": {"name": "x" * 101}},
        {"profile": {"name": "Ada", "description": "\x00"}},
        {"profile": {"name": "Ada", "avatar": "http://x"}},
        {"name": "Ada"},
        {"visibility": "everyone"},
        {"llm_config": {"temperature": 3}},
        {"llm_config": {"temperature": float("nan")}},
        {"llm_config": {"max_tokens": 0}},
        {"llm_config": {"model": "a b"}},
        {"capabilities": {"priority_weight": 1.1}},
        {"memory_config": {"short_term_limit": -1}},
        {"governance": {"max_tokens_per_hour": 1}},
        {"governance": {"allowed_domains": ["http://x"]}},
        {"tools": [{"name": "shell"}]},
        {"tools": [{"name": "http_request", "policy": "allow"}]},
        {"tools": [{"name": "http_request", "policy": {"timeout": 1}}]},
    ],
)
def test_what_does_not_fit_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AgentSpec.model_validate({"profile": {"name": "Ada"}, **given})


def test_a_tool_without_policy_needs_approval() -> None:
    assert Tool(name="http_request").policy == "approval"


def test_specification_survives_storage() -> None:
    spec = AgentSpec(
        profile=Profile(name="Ada"),
        tools=(Tool(name="search_api", policy=ToolPolicy(allowed_domains=("*.example.org",))),),
    )
    assert AgentSpec.model_validate_json(spec.model_dump_json()) == spec


@pytest.mark.parametrize(
    ("change", "governs"),
    [
        ({"visibility": Visibility.PUBLIC}, True),
        ({"governance": Governance(max_tokens_per_day=1)}, True),
        ({"tools": (Tool(name="http_request"),)}, True),
        ({"llm_config": LlmConfig(provider="openai", model="x")}, True),
        ({"mcp_servers": (McpServer(name="files", transport="stdio", command=("files",)),)}, True),
        ({"profile": Profile(name="Eve", description="other", personality_traits=("calm",))}, False),
        ({"capabilities": Capabilities(domain_tags=("tea",))}, False),
    ],
)
def test_policy_hash_moves_with_what_governs_and_nothing_else(change: dict[str, Any], governs: bool) -> None:
    changed = ADA.model_copy(update=change)
    assert (changed.policy_hash() != ADA.policy_hash()) is governs
    assert len(changed.policy_hash()) == 64
