"""What the door knows of how full the hub is."""

from __future__ import annotations

import pytest

from aiox.kernel.envelope import Pressure
from aiox.runtime.crowding import HEARD_S, Crowding

ADA, BO, AGENT = "ada@localhost", "bo@localhost", "agent@agents.localhost"


def full(orchestrator: str = "one", waiting: int = 100) -> Pressure:
    return Pressure(orchestrator, waiting, 8, 100.0)


def test_while_nobody_says_anything_everybody_is_let_in() -> None:
    crowding = Crowding()
    assert all(crowding.lets_in(ADA, AGENT, 0.0) for _ in range(10_000))


def test_a_full_hub_lets_nobody_in_until_turns_have_ended() -> None:
    crowding = Crowding()
    crowding.heard(full(waiting=300), 0.0)
    assert not crowding.lets_in(ADA, AGENT, 0.0)
    assert crowding.lets_in(BO, AGENT, 2.5)


def test_what_is_let_in_counts_before_anybody_has_said_so() -> None:
    crowding = Crowding()
    crowding.heard(full(waiting=290), 0.0)
    assert [crowding.lets_in(f"{number}@localhost", AGENT, 0.0) for number in range(12)] == [True] * 10 + [False] * 2
    crowding.heard(full(waiting=300), 0.1)
    assert not crowding.lets_in("other@localhost", AGENT, 0.1)


def test_all_orchestrators_count_and_one_that_is_silent_does_not() -> None:
    crowding = Crowding()
    crowding.heard(full("one", 150), 0.0)
    crowding.heard(full("two", 10), 0.0)
    assert crowding.lets_in(ADA, AGENT, 0.0)
    crowding.heard(full("one", 300), HEARD_S)
    assert not crowding.lets_in(BO, AGENT, HEARD_S)


def test_an_answer_tells_its_reader_alone_that_the_agent_has_priority() -> None:
    crowding = Crowding()
    crowding.answered(ADA, AGENT, 1.0)
    crowding.answered(BO, AGENT, 0.0)
    crowding.heard(full(), 0.0)
    assert crowding.lets_in(ADA, AGENT, 0.0)
    assert not crowding.lets_in(BO, AGENT, 0.0)


def test_a_conversation_that_had_no_answer_yet_may_be_one_of_priority() -> None:
    crowding = Crowding()
    crowding.heard(full(waiting=250), 0.0)
    assert crowding.lets_in(ADA, AGENT, 0.0)
    crowding.answered(ADA, AGENT, 0.1)
    assert not crowding.lets_in(ADA, AGENT, 0.0)


def test_who_has_no_priority_never_takes_the_room_of_who_has() -> None:
    """However often it was refused."""
    crowding = Crowding()
    crowding.answered(ADA, AGENT, 0.1)
    crowding.answered(BO, AGENT, 1.0)
    crowding.heard(full(waiting=185), 0.0)
    assert not any(crowding.lets_in(ADA, AGENT, 0.0) for _ in range(10))
    assert crowding.lets_in(BO, AGENT, 0.0)


def test_who_was_refused_comes_first() -> None:
    crowding = Crowding()
    for person in (ADA, BO):
        crowding.answered(person, AGENT, 0.0)
    crowding.heard(full(waiting=110), 0.0)
    assert not crowding.lets_in(ADA, AGENT, 0.0)
    assert crowding.lets_in(ADA, AGENT, 0.0)
    assert not crowding.lets_in(BO, AGENT, 0.0)


def test_people_of_other_hubs_who_were_never_answered_leave_room_for_ours() -> None:
    crowding = Crowding("localhost")
    crowding.heard(full(waiting=45), 0.0)
    flood = [crowding.lets_in(f"eve{number}@evil.test", AGENT, 0.0) for number in range(1000)]
    assert flood == [True] * 5 + [False] * 995
    crowding.answered(ADA, AGENT, 0.0)  # who has least room of all here
    assert crowding.lets_in(ADA, AGENT, 0.0)
    assert crowding.lets_in("room@conference.localhost", AGENT, 0.0)


def test_an_address_that_only_looks_like_ours_is_foreign() -> None:
    crowding = Crowding("localhost")
    crowding.heard(full(waiting=60), 0.0)
    assert [crowding.lets_in(jid, AGENT, 0.0) for jid in ("a@xlocalhost", "a@localhost.evil.test")] == [False, False]
    assert crowding.lets_in("a@localhost", AGENT, 0.0)


def test_who_was_answered_is_no_stranger_wherever_they_are() -> None:
    crowding = Crowding("localhost")
    crowding.answered("bob@peer.test", AGENT, 0.5)
    crowding.heard(full(waiting=150), 0.0)
    assert crowding.lets_in("bob@peer.test", AGENT, 0.0)


@pytest.mark.control
def test_control_without_a_domain_a_flood_takes_the_room_of_our_people() -> None:
    crowding = Crowding()
    crowding.heard(full(waiting=45), 0.0)
    for number in range(1000):
        crowding.lets_in(f"eve{number}@evil.test", AGENT, 0.0)
    crowding.answered(ADA, AGENT, 0.0)
    assert not crowding.lets_in(ADA, AGENT, 0.0)
