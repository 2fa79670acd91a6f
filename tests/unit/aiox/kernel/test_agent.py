"""Agents: the defaults of the specification, strict fields, and a hash of what governs them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError

from aiox.kernel.agent import DEFAULT_EMBEDDING_MODEL, AgentSpec, Visibility, descriptor
from aiox.kernel.ids import AgentId, OwnerId

SPEC = AgentSpec(name="Guide")


def changed(**fields: Any) -> AgentSpec:
    return AgentSpec.model_validate(SPEC.model_dump() | fields)


def test_defaults_are_those_of_the_specification() -> None:
    assert (SPEC.llm_config.temperature, SPEC.llm_config.max_tokens) == (0.7, 4096)
    assert SPEC.memory_config.short_term_limit == 10
    assert SPEC.memory_config.embedding_model == DEFAULT_EMBEDDING_MODEL
    assert (SPEC.governance.max_memory_mb, SPEC.governance.max_tokens_per_minute) == (512, 1000)
    assert SPEC.visibility is Visibility.PRIVATE


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"name": ""}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"nmae": "Guide"}, "nmae"),
        ({"llm_config": {"temperature": float("nan")}}, "temperature"),
        ({"llm_config": {"temperature": 2.1}}, "temperature"),
        ({"llm_config": {"provider": "open ai"}}, "provider"),
        ({"governance": {"max_tokens_per_minute": 0}}, "max_tokens_per_minute"),
        ({"governance": {"allowed_domains": ["exa mple.org"]}}, "allowed_domains"),
        ({"tools": [{"name": "rm"}]}, "tools"),
        ({"tools": [{"name": "http_request", "policy": "anything"}]}, "policy"),
        ({"capabilities": {"priority_weight": 1.1}}, "priority_weight"),
        ({"visibility": "secret"}, "visibility"),
    ],
)
def test_a_wrong_field_is_refused_by_name(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        changed(**fields)


def test_a_tool_without_a_policy_needs_an_approval() -> None:
    assert changed(tools=[{"name": "email_sender"}]).tools[0].policy == "approval"


def test_an_agent_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        SPEC.name = "Other"  # type: ignore[misc]


@pytest.mark.parametrize(
    "fields",
    [
        {"visibility": "public"},
        {"governance": {"max_tokens_per_day": 1}},
        {"tools": [{"name": "http_request"}]},
        {"llm_config": {"provider": "ollama", "model": "llama3.2"}},
        {"memory_config": {"retention_days": 1}},
    ],
)
def test_what_governs_changes_the_policy_hash(fields: dict[str, Any]) -> None:
    assert changed(**fields).policy_hash() != SPEC.policy_hash()


@pytest.mark.parametrize("fields", [{"name": "Other"}, {"description": "x"}, {"capabilities": {"domain_tags": ["a"]}}])
def test_words_do_not_change_the_policy_hash(fields: dict[str, Any]) -> None:
    assert changed(**fields).policy_hash() == SPEC.policy_hash()


def test_the_policy_hash_is_stable_over_storage() -> None:
    again = AgentSpec.model_validate_json(SPEC.model_dump_json())
    assert again.policy_hash() == SPEC.policy_hash()
    assert len(SPEC.policy_hash()) == 64


def test_the_descriptor_tells_what_governs_and_no_words() -> None:
    agent, owner = AgentId(uuid4()), OwnerId(uuid4())
    spec = changed(tools=[{"name": "http_request"}], capabilities={"domain_tags": ["xmpp"]})
    card = descriptor(agent, owner, 3, spec)
    assert (card.agent_id, card.owner, card.version, card.governance_version) == (agent, owner, 3, 3)
    assert (card.policy_hash, card.tools, card.domain_tags) == (spec.policy_hash(), ("http_request",), ("xmpp",))
    assert "Guide" not in card.model_dump_json()
