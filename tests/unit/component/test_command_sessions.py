"""A command that is being filled in belongs to who began it, where it was begun, for a while."""

from __future__ import annotations

from component.command_sessions import EACH, LASTS_S, Session, Sessions

ALICE, BOB, HUB = "alice@hub.test/phone", "bob@hub.test/phone", "agents.hub.test"


def session(asker: str = ALICE, since: float = 0.0) -> Session:
    return Session(asker, HUB, "new", {}, (), since)


def test_it_is_taken_once_by_who_began_it() -> None:
    sessions = Sessions()
    sessions.put("s1", session())
    assert sessions.take("s1", BOB, HUB, 1) is None
    assert sessions.take("s1", "alice@hub.test/laptop", HUB, 1) is None
    assert sessions.take("s1", ALICE, "agent@agents.hub.test", 1) is None
    assert sessions.take("s1", ALICE, HUB, 1) == session()
    assert sessions.take("s1", ALICE, HUB, 1) is None


def test_it_ends() -> None:
    sessions = Sessions()
    sessions.put("s1", session(since=10))
    assert sessions.take("s1", ALICE, HUB, 10 + LASTS_S) is None


def test_nobody_fills_the_memory() -> None:
    sessions = Sessions(limit=EACH + 5)
    sessions.put("bobs", session(BOB))
    for number in range(EACH + 3):
        sessions.put(f"s{number}", session())
    assert len(sessions) == EACH + 1
    assert sessions.take("s0", ALICE, HUB, 0) is None
    assert sessions.take("bobs", BOB, HUB, 0) is not None
    for number in range(100):
        sessions.put(f"x{number}", session(f"{number}@hub.test"))
    assert len(sessions) == EACH + 5
