"""A plan is the same for the same seed, spreads over all conversations, and its texts name their messages."""

from __future__ import annotations

from bench.load.plan import marks, plan, share


def test_the_same_seed_gives_the_same_plan_and_another_another() -> None:
    assert plan(1, 50, 10, 4, 3) == plan(1, 50, 10, 4, 3)
    assert plan(1, 50, 10, 4, 3) != plan(2, 50, 10, 4, 3)


def test_volleys_of_one_seed_share_no_id() -> None:
    first, second = plan(1, 50, 10, 4, 3), plan(1, 50, 10, 4, 3, first=50)
    assert not {message.id for message in first} & {message.id for message in second}


def test_times_are_in_order_and_within_the_span() -> None:
    times = [message.at for message in plan(3, 500, 10, 4, 3)]
    assert times == sorted(times)
    assert 0 <= times[0] <= times[-1] <= 10


def test_every_conversation_has_its_part() -> None:
    messages = plan(3, 1200, 10, 4, 3)
    counts = [
        sum((m.person, m.agent) == (person, agent) for m in messages) for person in range(4) for agent in range(3)
    ]
    assert min(counts) > 60


def test_an_echo_names_the_messages_it_answers() -> None:
    one, two = plan(3, 2, 10, 4, 3)
    assert marks(f"echo: {one.text}\n{two.text}") == (one.id, two.id)
    assert marks("echo: [nothing] of the kind") == ()


def test_shares_are_whole_people_and_make_up_the_plan() -> None:
    messages = plan(3, 100, 10, 5, 2)
    shares = [share(messages, number, 2) for number in range(2)]
    assert sorted(m.id for part in shares for m in part) == sorted(m.id for m in messages)
    assert not {m.person for m in shares[0]} & {m.person for m in shares[1]}
