"""What an agent is: defaults, limits, policy hash, descriptor."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from aiox.kernel.agent import AgentSpec, Governance, LlmConfig, Tool, ToolPolicy, Visibility, descriptor
from aiox.kernel.ids import AgentId, OwnerId

ADA = AgentSpec(name="Ada")


def test_defaults_are_those_of_the_specification() -> None:
    assert (ADA.llm_config.temperature, ADA.llm_config.max_tokens) == (0.7, 4096)
    assert (ADA.memory_config.short_term_limit, ADA.governance.max_memory_mb) == (10, 512)
    assert ADA.governance.max_tokens_per_minute == 1000
    assert ADA.visibility is Visibility.PRIVATE
    assert ADA.memory_config.embedding_model == "sentence-transformers/all-MiniLM-L6-v2"


@pytest.mark.parametrize(
    "given",
    [
        {"name": ""},
        {"name": "  "},
        {"name": "a\nb"},
        {"name": "x" * 101},
        {"description": "\x00"},
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
        AgentSpec.model_validate({"name": "Ada", **given})


def test_a_tool_without_policy_needs_approval() -> None:
    assert Tool(name="http_request").policy == "approval"


def test_specification_survives_storage() -> None:
    spec = AgentSpec(
        name="Ada", tools=(Tool(name="search_api", policy=ToolPolicy(allowed_domains=("*.example.org",))),)
    )
    assert AgentSpec.model_validate_json(spec.model_dump_json()) == spec


@pytest.mark.parametrize(
    ("change", "governs"),
    [
        ({"visibility": Visibility.PUBLIC}, True),
        ({"governance": Governance(max_tokens_per_day=1)}, True),
        ({"tools": (Tool(name="http_request"),)}, True),
        ({"llm_config": LlmConfig(provider="openai", model="x")}, True),
        ({"name": "Eve"}, False),
        ({"description": "other"}, False),
        ({"personality_traits": ("calm",)}, False),
    ],
)
def test_policy_hash_moves_with_what_governs_and_nothing_else(change: dict[str, Any], governs: bool) -> None:
    changed = ADA.model_copy(update=change)
    assert (changed.policy_hash() != ADA.policy_hash()) is governs
    assert len(changed.policy_hash()) == 64


def test_descriptor_says_what_others_may_know() -> None:
    spec = AgentSpec(name="Ada", tools=(Tool(name="http_request"),))
    acd = descriptor(AgentId(UUID(int=1)), OwnerId(UUID(int=2)), 3, spec).model_dump(mode="json")
    assert acd == {
        "agent_id": str(UUID(int=1)),
        "owner": str(UUID(int=2)),
        "visibility": "private",
        "governance_version": 3,
        "policy_hash": spec.policy_hash(),
        "worker_pool": "default",
        "llm_provider": "",
        "version": 3,
        "domain_tags": [],
        "tools": ["http_request"],
    }
