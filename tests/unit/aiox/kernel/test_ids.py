"""Derived ids are the same after a crash, and differ when anything that names them differs."""

from __future__ import annotations

from collections import Counter
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiox.kernel.ids import PARTITIONS, AgentId, agent_id_of, derived_id, partition_of, turn_id_of

MESSAGE = ("ana@example.org", "agent-1@agents.example.org", "m1", "hello")


@given(st.uuids())
def test_an_address_names_its_agent(agent: UUID) -> None:
    assert agent_id_of(f"agent-{agent}") == agent


@given(st.text())
def test_any_other_address_names_an_agent_that_nobody_has(local: str) -> None:
    found = agent_id_of(local)
    assert found == agent_id_of(local)
    if not local.startswith("agent-"):
        assert found.version == 5


def test_turn_ids_do_not_change_between_runs() -> None:
    assert str(turn_id_of(*MESSAGE)) == "e9e7497d-5092-546d-a750-5df099f0d7e2"


@pytest.mark.parametrize("changed", range(4))
def test_a_turn_is_named_by_sender_recipient_message_and_body(changed: int) -> None:
    other = [part + "x" if number == changed else part for number, part in enumerate(MESSAGE)]
    assert turn_id_of(*other) != turn_id_of(*MESSAGE)
    assert turn_id_of(*MESSAGE) == turn_id_of(*MESSAGE)


def test_parts_cannot_run_into_each_other() -> None:
    assert turn_id_of("a", "bc", "", "") != turn_id_of("ab", "c", "", "")


def test_derived_ids_depend_on_parent_and_purpose() -> None:
    parent = uuid4()
    assert derived_id(parent, "outbox-0") == derived_id(parent, "outbox-0")
    assert len({derived_id(parent, "outbox-0"), derived_id(parent, "outbox-1"), derived_id(uuid4(), "outbox-0")}) == 3


def test_partitions_are_used_evenly() -> None:
    agent = AgentId(UUID(int=1))
    used = Counter(partition_of(f"user{number}@example.org", agent) for number in range(6400))
    assert set(used) == set(range(PARTITIONS))
    assert max(used.values()) < 2 * min(used.values())


@given(st.text(), st.uuids())
def test_a_conversation_stays_in_its_partition(sender: str, agent: UUID) -> None:
    assert partition_of(sender, AgentId(agent)) == partition_of(sender, AgentId(agent)) < PARTITIONS
