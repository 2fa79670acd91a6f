"""No sequence of asking, deciding, editing, replaying, waiting and changing lets a call run that nobody allowed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings

from aiox.kernel.outcome import Refused
from aiox.kernel.verdict import Hold
from policy import approvals
from policy.approvals import USE_GUARDS, VOTE_GUARDS, Approval, Attempt, Ballot, Call, State, UseGuard, VoteGuard
from setup.prove import note
from tests.unit.policy.approval_oracle import harms
from tests.unit.policy.approval_world import PEOPLE, SPACE, START, TERMS, Step, World, steps

SHORT, FULL = 1_000, 50_000


def played(
    sequence: Sequence[Step],
    votes: Sequence[VoteGuard] = VOTE_GUARDS,
    uses: Sequence[UseGuard] = USE_GUARDS,
    one_use: bool = True,
) -> World:
    world = World(votes, uses, one_use)
    for what, which, who in sequence:
        world.step(what, which, who)
    return world


def round_of(sequences: int) -> Counter[str]:
    """Plays that many; returns what happened how often. Raises AssertionError at the first harm."""
    seen: Counter[str] = Counter()

    @settings(max_examples=sequences, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(steps)
    def play(sequence: list[Step]) -> None:
        world = played(sequence)
        seen.update(event.what for event in world.log)
        seen["sequences"] += 1
        assert harms(world) == []

    play()
    return seen


def test_nothing_runs_that_nobody_allowed() -> None:
    seen = round_of(SHORT)
    assert seen["run"] > 10, "the sequences must reach a run, or they prove nothing"


@pytest.mark.prove
def test_nothing_runs_that_nobody_allowed_in_50_000_sequences() -> None:
    seen = round_of(FULL)
    assert seen["run"] > FULL / 100
    note(f"approvals: {seen['sequences']} sequences, {seen['approve']} yes, {seen['run']} runs, 0 harms")


@dataclass(frozen=True)
class Control:
    """A sequence that does no harm, and does this harm once `gone` are taken out."""

    sequence: str
    harm: str
    gone: tuple[VoteGuard | UseGuard, ...] = ()
    """Guards that stand behind the one in question, and would catch it too."""
    one_use: bool = True


CONTROLS: dict[VoteGuard | UseGuard, Control] = {
    approvals.is_open: Control("ask 0 ada@h, wait 3 ada@h, approve 0 ada@h, run 0 ada@h", "decided out of time"),
    approvals.clock_is_sane: Control("ask 0 ada@h, back 1 ada@h, approve 0 ada@h, run 0 ada@h", "decided out of time"),
    approvals.is_somebody_else: Control(
        "ask 1 ada@h, approve 0 ada-phone@h, run 0 ada@h", "own approval", (approvals.approvers_stand,)
    ),
    approvals.is_entitled: Control(
        "ask 1 ada@h, approve 0 eve@h, run 0 ada@h", "no live approval", (approvals.approvers_stand,)
    ),
    approvals.has_second_factor: Control("ask 4 ada@h, approve 0 cid@h, run 0 ada@h", "no live approval"),
    approvals.saw_this_call: Control("ask 0 ada@h, other 0 ada@h, run 0 ada@h", "ran against a word"),
    approvals.votes_once: Control(
        "ask 2 ada@h, approve 0 bob@h, approve 0 bob-work@h, run 0 ada@h",
        "no live approval",
        (approvals.approvers_stand,),
    ),
    approvals.is_granted: Control(
        "ask 0 ada@h, run 0 ada@h",
        "no live approval",
        (approvals.is_in_time, approvals.approvers_stand),
        one_use=False,
    ),
    approvals.is_in_time: Control("ask 0 ada@h, approve 0 ada@h, wait 3 ada@h, run 0 ada@h", "out of time"),
    approvals.is_this_call: Control("ask 0 ada@h, approve 0 ada@h, edit 0 ada@h, run 0 ada@h", "drift"),
    approvals.policy_agrees: Control(
        "ask 0 ada@h, approve 0 ada@h, forbid 0 ada@h, run 0 ada@h", "ran against the judge"
    ),
    approvals.approvers_stand: Control("ask 1 ada@h, approve 0 bob@h, role 2 bob@h, run 0 ada@h", "no live approval"),
}


def test_each_guard_has_a_control() -> None:
    assert set(CONTROLS) == {*VOTE_GUARDS, *USE_GUARDS}


@pytest.mark.control
@pytest.mark.parametrize("guard", list(CONTROLS), ids=lambda guard: guard.__name__)
def test_control_without_a_guard_the_oracle_finds_the_harm(guard: VoteGuard | UseGuard) -> None:
    control = CONTROLS[guard]
    sequence = [read(step) for step in control.sequence.split(", ")]
    votes = [one for one in VOTE_GUARDS if one not in (guard, *control.gone)]
    uses = [one for one in USE_GUARDS if one not in (guard, *control.gone)]
    assert harms(played(sequence)) == []
    assert control.harm in harms(played(sequence, votes, uses, control.one_use))


def read(step: str) -> Step:
    what, which, who = step.split()
    return what, int(which), who


@pytest.mark.control
def test_control_without_the_conditional_update_a_race_runs_it_twice() -> None:
    race = [read("ask 0 ada@h"), read("approve 0 ada@h"), read("race 0 ada@h")]
    assert harms(played(race)) == []
    assert "replay" in harms(played(race, one_use=False))


OTHER_ID = UUID(int=1)
CALL = Call("ada@h", SPACE, SPACE, "append_line", b"{}", "p")


def asked(terms: Hold = TERMS[0], who: str = "ada@h") -> Approval:
    return approvals.ask(SPACE, replace(CALL, actor=who), terms, PEOPLE[who], START)


def ballot(approval: Approval, who: str, approves: bool = True, minutes: int = 1) -> Ballot:
    return Ballot(PEOPLE[who], approves, approval.digest, START + timedelta(minutes=minutes))


def voted(approval: Approval, who: str, approves: bool = True, minutes: int = 1) -> Approval:
    found = approvals.decide(approval, ballot(approval, who, approves, minutes))
    assert isinstance(found, Approval), found
    return found


def refused(approval: Approval, who: str, approves: bool = True, minutes: int = 1) -> str:
    found = approvals.decide(approval, ballot(approval, who, approves, minutes))
    assert isinstance(found, Refused)
    return found.rules[0][:2]


def used(approval: Approval, minutes: int = 2) -> Approval | Refused:
    voters = [PEOPLE[vote.jid] for vote in approval.votes]
    now = START + timedelta(minutes=minutes)
    return approvals.use(approval, Attempt(approval.call, approval.terms, voters, now))


def test_confirm_is_for_who_asked_and_lives_15_minutes() -> None:
    approval = asked()
    assert approval.expires_at - approval.asked_at == timedelta(minutes=15)
    assert refused(approval, "bob@h") == "A4"
    assert refused(approval, "ada@h", minutes=15) == "A1"
    granted = voted(approval, "ada-phone@h", minutes=14)
    assert granted.state is State.GRANTED
    assert isinstance(used(granted, 28), Approval)
    assert isinstance(used(granted, 29), Refused)


def test_four_eyes_lives_3_days_and_is_never_for_who_asked() -> None:
    approval = asked(TERMS[1])
    assert approval.expires_at - approval.asked_at == timedelta(days=3)
    assert refused(approval, "ada@h") == "A3"
    assert refused(approval, "ada-phone@h") == "A3"
    assert refused(approval, "eve@h") == "A4"
    assert voted(approval, "bob@h", minutes=60 * 71).state is State.GRANTED


def test_the_owner_decides_what_a_guest_asked_for() -> None:
    assert voted(asked(TERMS[1], "guest@peer"), "ada@h").state is State.GRANTED


def test_named_approvers_only_and_not_the_requester_though_named() -> None:
    assert refused(asked(TERMS[3]), "cid@h") == "A4"
    assert refused(asked(TERMS[3]), "ada@h") == "A3"
    assert voted(asked(TERMS[3]), "bob@h").state is State.GRANTED


def test_a_quorum_of_two_people_not_of_two_addresses() -> None:
    first = voted(asked(TERMS[2]), "bob@h")
    assert first.state is State.PENDING
    assert refused(first, "bob-work@h") == "A7"
    assert voted(first, "cid@h").state is State.GRANTED


def test_one_no_closes_it_and_who_asked_may_withdraw() -> None:
    denied = voted(voted(asked(TERMS[2]), "bob@h"), "ada@h", approves=False)
    assert denied.state is State.DENIED
    assert refused(denied, "cid@h") == "A1"


def test_a_second_factor_is_asked_for() -> None:
    assert refused(asked(TERMS[4]), "cid@h") == "A5"
    assert voted(asked(TERMS[4]), "bob@h").state is State.GRANTED


def test_a_clock_that_goes_back_decides_nothing_and_runs_nothing() -> None:
    assert refused(asked(), "ada@h", minutes=-1) == "A2"
    assert isinstance(used(voted(asked(), "ada@h"), 0), Refused)


def test_it_runs_once() -> None:
    once = used(voted(asked(), "ada@h"))
    assert isinstance(once, Approval)
    assert isinstance(used(once), Refused)


@pytest.mark.parametrize(
    "other",
    [
        replace(CALL, actor="bob@h"),
        replace(CALL, agent=OTHER_ID),
        replace(CALL, version=OTHER_ID),
        replace(CALL, tool="append_lines"),
        replace(CALL, arguments=b"{ }"),
        replace(CALL, policy_hash="q"),
    ],
)
def test_one_changed_part_is_another_call(other: Call) -> None:
    granted = voted(asked(), "ada@h")
    attempt = Attempt(other, granted.terms, [PEOPLE["ada@h"]], START + timedelta(minutes=2))
    found = approvals.use(granted, attempt)
    assert isinstance(found, Refused)
    assert found.rules == ("U3 other-call",)


def test_what_is_late_is_expired() -> None:
    assert approvals.seen_at(asked(), START + timedelta(minutes=15)).state is State.EXPIRED
    assert approvals.seen_at(asked(), START + timedelta(minutes=14)).state is State.PENDING
    granted = voted(asked(), "ada@h")
    assert approvals.seen_at(granted, START + timedelta(minutes=16)).state is State.EXPIRED
    assert approvals.seen_at(granted, START + timedelta(minutes=15)).state is State.GRANTED
