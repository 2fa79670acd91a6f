from __future__ import annotations

import tracemalloc
from uuid import UUID

from aiox.kernel.ids import AgentId
from component.shown import Pair, Shown

AGENT = AgentId(UUID(int=1))


def test_only_a_change_is_a_change() -> None:
    shown, pair = Shown(), Pair("a@x", "alice@y")
    assert [shown.put(AGENT, pair, what) for what in (4, 4, 5, 4)] == [True, False, True, True]
    assert (shown.of(pair), shown.of(Pair("b@x", "alice@y")), len(shown)) == (4, None, 1)


def test_contacts_of_an_agent_by_each_of_its_addresses() -> None:
    shown = Shown()
    pairs = {Pair("a@x", "alice@y"), Pair("alias@x", "alice@y"), Pair("a@x", "bob@y")}
    for pair in pairs:
        shown.put(AGENT, pair, 0)
    shown.put(AgentId(UUID(int=2)), Pair("b@x", "bob@y"), 1)
    assert set(shown.pairs_of(AGENT)) == pairs
    assert list(shown.where(3)) == [Pair("b@x", "bob@y")]
    for pair in pairs:
        shown.forget(pair)
        shown.forget(pair)
    assert (shown.pairs_of(AGENT), len(shown)) == ([], 1)


def test_what_has_no_room_is_not_followed() -> None:
    shown = Shown(limit=1)
    shown.put(AGENT, Pair("a@x", "alice@y"), 0)
    assert shown.put(AGENT, Pair("a@x", "bob@y"), 0)
    assert (shown.pairs_of(AGENT), len(shown)) == ([Pair("a@x", "alice@y")], 1)


def test_an_idle_agent_with_fifty_contacts_takes_less_than_8_kib() -> None:
    tracemalloc.start()
    try:
        shown, before = Shown(), tracemalloc.get_traced_memory()[0]
        for number in range(200):
            agent, address = AgentId(UUID(int=number)), f"agent-{UUID(int=number)}@agents.hub.test"
            for contact in range(50):
                shown.put(agent, Pair(address, f"somebody-{contact}@hub.test"), 4)
        each = (tracemalloc.get_traced_memory()[0] - before) / 200
    finally:
        tracemalloc.stop()
    assert each <= 8192, f"{each:.0f} bytes"
