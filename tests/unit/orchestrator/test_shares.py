"""Partition leases with time as an argument: several owners, deaths, late renewals, clock steps."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from aiox.kernel.ids import PARTITIONS
from orchestrator.partitions import LEASE_S, RENEW_S
from orchestrator.shares import fair_share, plan
from tests.unit.orchestrator.lease_table import LeaseTable

NAMES = ("ada", "bo", "cy", "di")


@dataclass
class Owner:
    """What orchestrator/partitions.py keeps in mind, and its round, without the effects."""

    name: str
    held: dict[int, int] = field(default_factory=dict)
    leaving: set[int] = field(default_factory=set)

    def round(self, table: LeaseTable, now: float) -> dict[int, int]:
        standing = table.renew(now, self.name, LEASE_S)
        step = plan(self.held, self.leaving, standing.held, standing.live)
        for number in step.lost:
            del self.held[number]
            self.leaving.discard(number)
        self.held.update(step.found)
        self.leaving.update(step.surplus)
        won = table.take(now, self.name, LEASE_S, step.room) if step.room else {}
        self.held.update(won)
        return won

    def lanes_ran_empty(self, table: LeaseTable, number: int) -> None:
        self.leaving.discard(number)
        table.release(self.name, number, self.held.pop(number))


class Orchestrators(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.table = LeaseTable()
        self.now = 1000.0
        self.living: dict[str, Owner] = {}
        self.given: dict[tuple[int, int], str] = {}
        self.born = 0

    @rule(name=st.sampled_from(NAMES))
    def starts(self, name: str) -> None:
        self.born += 1
        self.living.setdefault(name, Owner(f"{name}-{self.born}"))

    @precondition(lambda self: self.living)
    @rule(data=st.data())
    def renews(self, data: st.DataObject) -> None:
        self._round(data.draw(st.sampled_from(sorted(self.living))))

    @precondition(lambda self: self.living)
    @rule(data=st.data())
    def dies(self, data: st.DataObject) -> None:
        del self.living[data.draw(st.sampled_from(sorted(self.living)))]

    @precondition(lambda self: self.living)
    @rule(data=st.data())
    def leaves(self, data: st.DataObject) -> None:
        self.table.leave(self.living.pop(data.draw(st.sampled_from(sorted(self.living)))).name)

    @precondition(lambda self: any(owner.leaving for owner in self.living.values()))
    @rule(data=st.data())
    def ran_empty(self, data: st.DataObject) -> None:
        owner = data.draw(st.sampled_from([one for one in self.living.values() if one.leaving]))
        owner.lanes_ran_empty(self.table, data.draw(st.sampled_from(sorted(owner.leaving))))

    @rule(seconds=st.floats(0, 3 * LEASE_S))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(seconds=st.floats(-3600, 3600))
    def clock_is_set(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.living)
    @rule()
    def settles(self) -> None:
        """Whatever was before: a quiet while later every partition has an owner, and nobody more than its share."""
        for _ in range(round((2 * LEASE_S + RENEW_S) / RENEW_S) + 4):
            for name, owner in self.living.items():
                self._round(name)
                for number in list(owner.leaving):
                    owner.lanes_ran_empty(self.table, number)
            self.now += RENEW_S
        shares = {owner.name: len(owner.held) for owner in self.living.values()}
        assert sum(shares.values()) == PARTITIONS
        assert max(shares.values()) <= fair_share(len(shares))

    def _round(self, name: str) -> None:
        owner = self.living[name]
        for number, token in owner.round(self.table, self.now).items():
            assert (number, token) not in self.given, "a token is given once"
            self.given[number, token] = owner.name

    @invariant()
    def current_token_has_one_owner(self) -> None:
        for number, lease in self.table.leases.items():
            believers = [one.name for one in self.living.values() if one.held.get(number) == lease.token]
            assert len(believers) <= 1
            if lease.token:
                assert set(believers) <= {self.given[number, lease.token]}


TestOrchestrators = Orchestrators.TestCase
TestOrchestrators.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@given(live=st.integers(1, 5), phases=st.lists(st.floats(0, RENEW_S), min_size=5, max_size=5), victim=st.integers(0, 4))
def test_a_dead_owners_partitions_have_a_new_one_within_lease_and_renewal(
    live: int, phases: list[float], victim: int
) -> None:
    owners = [Owner(NAMES[0] + str(number)) for number in range(live + 1)]
    table, now = LeaseTable(), 0.0
    for _ in range(12):
        for owner, phase in zip(owners, (*phases, 0.5), strict=False):
            owner.round(table, now + phase)
            for number in list(owner.leaving):
                owner.lanes_ran_empty(table, number)
        now += RENEW_S
    dead = owners.pop(victim % len(owners))
    died_at = now
    while any(lease.holder == dead.name for lease in table.leases.values()):
        now += 0.05
        for owner, phase in zip(owners, phases, strict=False):
            if (now - phase) % RENEW_S < 0.05:
                owner.round(table, now)
        assert now - died_at <= LEASE_S + 2 * RENEW_S + 0.2


@pytest.mark.parametrize(("live", "share"), [(0, 32), (1, 32), (2, 16), (3, 11), (5, 7), (32, 1), (40, 1)])
def test_shares_cover_everything(live: int, share: int) -> None:
    assert fair_share(live) == share
    assert fair_share(live) * max(1, live) >= PARTITIONS


def test_an_owner_that_renews_late_keeps_what_nobody_took() -> None:
    table, ada = LeaseTable(), Owner("ada")
    ada.round(table, 0.0)
    before = dict(ada.held)
    ada.round(table, 100.0)
    assert ada.held == before


def test_what_was_won_though_the_answer_was_lost_is_found_at_the_next_round() -> None:
    table, ada = LeaseTable(), Owner("ada")
    won = table.take(0.0, "ada", LEASE_S, 32)
    ada.round(table, 1.0)
    assert ada.held == won


def test_a_clock_set_back_does_not_leave_a_dead_owners_partitions_alone() -> None:
    table, ada, bo = LeaseTable(), Owner("ada"), Owner("bo")
    ada.round(table, 10_000.0)
    bo.round(table, 0.0)
    assert len(bo.held) == PARTITIONS
