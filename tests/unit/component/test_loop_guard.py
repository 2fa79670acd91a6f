from __future__ import annotations

import pytest

from component.loop_guard import COOL_DOWN_S, EXCHANGES, HOPS, MAX_HOPS, WINDOW_S, Heard, LoopGuard, hops_of
from tests.unit.component.stanzas import message

BOT, AGENT = "agent-b@agents.hub.test", "agent-a@agents.hub.test"
PLAIN = message("<body>hi</body>")


def counted(count: str) -> str:
    return f'<body>hi</body><hops xmlns="{HOPS}" count="{count}"/>'


def test_people_are_not_counted() -> None:
    guard = LoopGuard("agents.hub.test")
    assert {guard.hear(PLAIN, "alice@hub.test", AGENT, 0.0) for _ in range(1000)} == {Heard.GO_ON}


def test_one_of_ours_is_stopped_once_and_heard_again_after_a_while() -> None:
    guard = LoopGuard("agents.hub.test")
    heard = [guard.hear(PLAIN, BOT, AGENT, float(number)) for number in range(EXCHANGES + 3)]
    assert heard == [Heard.GO_ON] * EXCHANGES + [Heard.STOP] + [Heard.SILENCE] * 2
    assert guard.hear(PLAIN, BOT, "agent-c@agents.hub.test", 9.0) is Heard.GO_ON, "pairs do not touch each other"
    assert guard.hear(PLAIN, BOT, AGENT, EXCHANGES + COOL_DOWN_S - 1) is Heard.SILENCE
    assert guard.hear(PLAIN, BOT, AGENT, EXCHANGES + COOL_DOWN_S) is Heard.GO_ON


def test_slow_talk_goes_on() -> None:
    guard = LoopGuard("agents.hub.test")
    for number in range(100):
        assert guard.hear(PLAIN, BOT, AGENT, number * WINDOW_S / EXCHANGES) is Heard.GO_ON


@pytest.mark.parametrize(("count", "heard"), [("1", Heard.GO_ON), (str(MAX_HOPS), Heard.GO_ON), ("5", Heard.STOP)])
def test_what_went_through_too_many_hands_is_stopped(count: str, heard: Heard) -> None:
    guard = LoopGuard("agents.hub.test")
    assert guard.hear(message(counted(count)), "bot@elsewhere.test", AGENT, 0.0) is heard


@pytest.mark.parametrize("count", ["", "x", "-1", "99999999", "٣"])
def test_a_count_that_makes_no_sense_is_too_many(count: str) -> None:
    assert hops_of(message(counted(count))) == 1000


def test_it_is_bounded() -> None:
    guard = LoopGuard("agents.hub.test", limit=2)
    for number in range(10):
        guard.hear(PLAIN, f"agent-{number}@agents.hub.test", AGENT, 0.0)
    assert len(guard._pairs) == 2
