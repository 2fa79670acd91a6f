"""The descriptor, fixed by test vectors: canonical JSON, byte for byte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from aiox.kernel.acd import descriptor
from aiox.kernel.agent import AgentSpec, Profile, Tool, content_digest
from aiox.kernel.canonical import canonical
from aiox.kernel.ids import AgentId, OwnerId

VECTORS = json.loads((Path(__file__).parent / "vectors" / "agents.json").read_text())


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_hashes_and_descriptor_are_those_of_the_vectors(vector: dict[str, Any]) -> None:
    spec = AgentSpec.model_validate(vector["given"])
    agent, number = AgentId(UUID(vector["agent_id"])), vector["version"]
    assert spec.policy_hash() == vector["policy_hash"]
    assert content_digest(agent, number, spec.policy_hash(), spec.model_dump(mode="json")) == vector["content_digest"]
    acd = descriptor(agent, OwnerId(UUID(vector["owner"])), number, spec)
    assert canonical(acd.model_dump(mode="json")).decode() == vector["acd"]


@pytest.mark.parametrize("changed", ["agent", "number", "policy hash", "spec"])
def test_the_digest_moves_with_all_that_it_freezes(changed: str) -> None:
    agent, spec = AgentId(UUID(int=1)), AgentSpec(profile=Profile(name="Ada")).model_dump(mode="json")
    other = {
        "agent": content_digest(AgentId(UUID(int=2)), 1, "h", spec),
        "number": content_digest(agent, 2, "h", spec),
        "policy hash": content_digest(agent, 1, "i", spec),
        "spec": content_digest(agent, 1, "h", {**spec, "visibility": "public"}),
    }
    assert other[changed] != content_digest(agent, 1, "h", spec)


def test_descriptor_says_what_others_may_know() -> None:
    spec = AgentSpec(profile=Profile(name="Ada", description="hers"), tools=(Tool(name="http_request"),))
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
