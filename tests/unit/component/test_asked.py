from __future__ import annotations

from uuid import UUID

from aiox.kernel.ids import TurnId
from component.asked import Asked, Ended, Open


def question(number: int, contact: str = "alice@x") -> Open:
    return Open(
        turn_id=TurnId(UUID(int=number)),
        agent="a@y",
        sender=f"{contact}/phone",
        contact=contact,
        message_id=f"q{number}",
        reply_id=f"q{number}",
        kind="chat",
        quoted=f"question {number}",
        wants_states=True,
        wants_marker=True,
    )


def test_one_turn_at_a_time_and_what_comes_meanwhile_shares_the_next() -> None:
    asked = Asked()
    starts = [asked.add(question(number), at) for number, at in ((1, 0.0), (2, 0.1), (3, 5.0), (4, 6.0))]
    assert starts == [True, True, False, False]
    ended = asked.ended(question(1).turn_id, "q2", 7.0)
    assert (ended.others_wait, ended.quoted) == (True, "question 2")
    assert [one.message_id for one in ended.starts] == ["q3", "q4"]
    assert asked.ended(question(3).turn_id, "q4", 8.0).others_wait is False
    assert len(asked) == 0


def test_a_command_that_is_answered_in_between_leaves_the_rest() -> None:
    asked = Asked()
    for number, at in ((1, 0.0), (2, 5.0)):
        asked.add(question(number), at)
    assert asked.ended(question(2).turn_id, "q2", 6.0).starts == ()
    assert asked.ended(question(1).turn_id, "q1", 7.0).others_wait is False


def test_conversations_do_not_touch_each_other() -> None:
    asked = Asked()
    assert asked.add(question(1), 0.0)
    assert asked.add(question(2, "bob@x"), 5.0)
    assert asked.running(6.0, 3.0) == {("a@y", "alice@x")}
    assert asked.ended(question(1).turn_id, "q1", 6.0).others_wait is False
    assert len(asked) == 1


def test_it_is_bounded_and_what_has_no_room_is_not_followed() -> None:
    asked = Asked(limit=1)
    asked.add(question(1), 0.0)
    assert not asked.add(question(2), 0.0)
    assert not asked.add(question(1), 0.0)
    assert asked.ended(question(2).turn_id, "q2", 1.0) == Ended(False, "", ())
    assert len(asked) == 1


def test_what_is_lost_is_dropped_whole() -> None:
    asked = Asked()
    for number, at in ((1, 0.0), (2, 5.0)):
        asked.add(question(number), at)
    assert asked.drop(100.0, 101.0) == []
    assert [one.message_id for one in asked.drop(100.0, 50.0)] == ["q1"]
    assert len(asked) == 0
