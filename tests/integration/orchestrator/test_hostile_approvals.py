"""A hostile requester and hostile approvers at the real stores: each trick fails."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from aiox.commands import approvals as commands
from aiox.commands.approvals import Decide, Waiting
from aiox.commands.hub import Actor
from aiox.kernel.canonical import canonical
from aiox.kernel.ids import TurnId
from aiox.kernel.outcome import Refused
from aiox.kernel.verdict import Hold
from aiox.runtime.postgres import owner_scope
from policy import approvals as rules
from policy.approvals import CONFIRM_WITHIN, FOUR_EYES_WITHIN, MOST_OF_ALL, MOST_OF_ONE, Approval, Attempt, Call
from policy.cedar.level import Level
from registry import approvals, policies, tenants
from registry.approvals import Kept
from tests.integration.governance import join, message_event, organisation
from tests.integration.orchestrator.approval_stores import StoredWorld
from tests.stores import Stores

HIDDEN = "hub/silence"
"""To whom it is no more than one that is not there."""
ANYBODY = Hold("four_eyes", ("hub/two",))


async def _nobody_listens(_event: object) -> None:
    """What is granted is not run here."""


class Trial:
    """An owner with an agent, and calls that wait for an approval on these terms."""

    def __init__(self, world: StoredWorld) -> None:
        self.world, self.stores = world, world.stores
        self.owner = world.actors["ada@h"]

    @classmethod
    async def made(cls, stores: Stores) -> Trial:
        return cls(await StoredWorld.made(stores))

    async def ask(self, terms: Hold, who: Actor | None = None, line: str = "x") -> Approval:
        world, jid = self.world, (who or self.owner).jid
        pool, now = self.stores.pools["orchestrator"], world.clock.now()
        call = Call(jid, world.agent, uuid4(), "append_line", canonical({"line": line}), "p")
        requester = await approvals.find_person(pool, jid, world.owner)
        new = rules.ask(uuid4(), call, terms, requester, now)
        async with owner_scope(pool, world.owner) as connection:
            ring = await tenants.ring_of(connection, self.stores.keys, world.owner)
            kept = Kept(new, world.owner, TurnId(uuid4()), message_event(jid, world.agent, now))
            await approvals.add(connection, ring, kept)
        return new

    async def says(self, who: Actor, one: Approval, *, approves: bool = True) -> str:
        """The state that a word has made, or the first rule that refused it."""
        fields = Decide(approval_id=one.id, approves=approves, digest=one.digest)
        found = await commands.decide(self.world.hub, who, fields, _nobody_listens)
        return found.rules[0] if isinstance(found, Refused) else str(found.state)

    async def listed(self, who: Actor) -> list[Waiting]:
        found = await commands.list_open(self.world.hub, who)
        assert not isinstance(found, Refused)
        return list(found)

    async def runs(self, one: Approval) -> bool:
        """Whether the call would run now, by those who have said yes, as they are by now."""
        pool = self.stores.pools["orchestrator"]
        async with owner_scope(pool, self.world.owner) as connection:
            ring = await tenants.ring_of(connection, self.stores.keys, self.world.owner)
            kept = await approvals.load(connection, ring, one.id)
        assert kept is not None
        voters = [await approvals.find_person(pool, vote.jid, self.world.owner) for vote in kept.approval.votes]
        attempt = Attempt(one.call, kept.approval.terms, voters, self.world.clock.now())
        return not isinstance(rules.use(kept.approval, attempt), Refused)


async def puppet_of(stores: Stores, person: Actor) -> Actor:
    """Another account, whom the person has made an approver in an organisation founded for that."""
    puppet = await stores.account()
    await join(stores, await organisation(stores, person), puppet, "approver")
    return puppet


def held_by(house: UUID) -> Hold:
    """What an organisation's policy says of every call: another person must agree."""
    text = '@id("two") @hold("four_eyes") forbid(principal, action == Action::"tool.call", resource);'
    level = policies.compiled(house, 1, text)
    assert isinstance(level, Level)
    found = level._held("two", Hold("four_eyes", ()))
    assert found.organisations == (house,)
    return found


async def test_an_organisations_rule_is_not_met_by_an_approver_of_ones_own_making(stores: Stores) -> None:
    trial = await Trial.made(stores)
    colleague, puppet = trial.world.actors["bob@h"], await puppet_of(stores, trial.owner)
    one = await trial.ask(held_by(trial.world.scope))
    assert await trial.says(puppet, one) == HIDDEN
    assert await trial.listed(puppet) == []
    assert await trial.says(colleague, one) == "granted"
    assert await trial.runs(one)


async def test_nor_by_the_agents_owner_for_a_guest_of_theirs(stores: Stores) -> None:
    trial = await Trial.made(stores)
    member = trial.world.actors["ada@h"]
    await join(stores, trial.world.scope, member, "member")
    guest = trial.world.actors["guest@peer"]
    assert await trial.says(member, await trial.ask(ANYBODY, guest)) == "granted"
    assert await trial.says(member, await trial.ask(held_by(trial.world.scope), guest)) == "A4 not-an-approver"


async def test_two_organisations_that_ask_want_somebody_who_may_in_both(stores: Stores) -> None:
    trial = await Trial.made(stores)
    bob, cid, other = trial.world.actors["bob@h"], trial.world.actors["cid@h"], await organisation(stores, trial.owner)
    await join(stores, other, cid, "approver")
    both = replace(ANYBODY, organisations=(trial.world.scope, other))
    one = await trial.ask(both)
    told = await approvals.find_approvers(stores.pools["orchestrator"], trial.world.owner, both.organisations)
    assert set(told) == {cid.jid, trial.owner.jid}
    assert await trial.says(bob, one) == "A4 not-an-approver"
    assert await trial.says(cid, one) == "granted"


@pytest.mark.control
async def test_control_without_the_organisation_in_the_terms_the_puppet_approves(stores: Stores) -> None:
    trial = await Trial.made(stores)
    puppet = await puppet_of(stores, trial.owner)
    assert await trial.says(puppet, await trial.ask(ANYBODY)) == "granted"


async def test_who_left_before_the_call_runs_has_not_approved_it(stores: Stores) -> None:
    trial = await Trial.made(stores)
    one, house = await trial.ask(held_by(trial.world.scope)), trial.world.scope
    bob = trial.world.actors["bob@h"]
    assert await trial.says(bob, one) == "granted"
    assert await trial.runs(one)
    async with stores.superuser() as connection:
        await connection.execute(
            "DELETE FROM memberships WHERE organisation_id = $1 AND user_id = $2", house, bob.owner
        )
    assert not await trial.runs(one)
    await join(stores, await organisation(stores, trial.owner), bob, "approver")
    assert not await trial.runs(one), "a role elsewhere does not stand for the one that was lost"


async def test_an_account_that_was_closed_neither_decides_nor_has_decided(stores: Stores) -> None:
    trial = await Trial.made(stores)
    one, bob = await trial.ask(ANYBODY), trial.world.actors["bob@h"]
    assert await trial.says(bob, one) == "granted"
    async with stores.superuser() as connection:
        await connection.execute("UPDATE users SET deactivated_at = now() WHERE id = $1", bob.owner)
    assert not await trial.runs(one)
    assert await trial.says(bob, await trial.ask(ANYBODY)) == HIDDEN


@pytest.mark.parametrize(
    ("terms", "within"),
    [(Hold("confirm", ("r",)), CONFIRM_WITHIN), (ANYBODY, FOUR_EYES_WITHIN)],
    ids=["confirm", "two"],
)
async def test_its_last_moment_is_before_its_time_is_over(stores: Stores, terms: Hold, within: timedelta) -> None:
    trial = await Trial.made(stores)
    who = trial.owner if terms.kind == "confirm" else trial.world.actors["bob@h"]
    asked_at = trial.world.clock.at
    for late, said in ((timedelta(microseconds=-1), "granted"), (timedelta(0), "A1 not-pending")):
        trial.world.clock.at = asked_at
        one = await trial.ask(terms, line=str(late))
        trial.world.clock.at = asked_at + within + late
        assert await trial.says(who, one) == said
    trial.world.clock.at = asked_at + timedelta(hours=1)
    one = await trial.ask(terms)
    trial.world.clock.at -= timedelta(seconds=1)
    assert await trial.says(who, one) == "A2 clock", "and not before it was asked for"


async def test_one_person_is_one_of_a_quorum(stores: Stores) -> None:
    trial = await Trial.made(stores)
    bob, cid = trial.world.actors["bob@h"], trial.world.actors["cid@h"]
    one = await trial.ask(replace(ANYBODY, quorum=2))
    assert [await trial.says(bob, one) for _ in range(2)] == ["pending", "A7 voted"]
    assert not await trial.runs(one)
    assert await trial.says(trial.owner, one) == "A3 own-request"
    assert await trial.says(cid, one) == "granted"
    assert await trial.says(bob, one, approves=False) == "A1 not-pending", "a word is not taken back once it is granted"


async def test_named_approvers_are_the_only_ones(stores: Stores) -> None:
    trial = await Trial.made(stores)
    eve, bob = trial.world.actors["eve@h"], trial.world.actors["bob@h"]
    one = await trial.ask(replace(ANYBODY, approvers=(eve.jid,)))
    assert await trial.says(bob, one) == HIDDEN
    assert await trial.says(eve, one) == "granted"


async def test_who_is_drowned_in_requests_can_still_decide_on_the_newest(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "MOST", 3)
    trial = await Trial.made(stores)
    for line in range(commands.MOST + 1):
        trial.world.clock.at += timedelta(seconds=1)
        newest = await trial.ask(ANYBODY, line=str(line))
    bob = trial.world.actors["bob@h"]
    assert len(await trial.listed(bob)) == commands.MOST
    assert newest.id not in {one.id for one in await trial.listed(bob)}
    assert await trial.says(bob, newest) == "granted"


async def test_how_many_wait_is_counted_by_who_asked(stores: Stores) -> None:
    trial = await Trial.made(stores)
    guest = trial.world.actors["guest@peer"]
    for who in (guest, guest, trial.owner):
        await trial.ask(ANYBODY, who)
    async with owner_scope(stores.pools["orchestrator"], trial.world.owner) as connection:
        counted = await approvals.count_waiting(connection, trial.world.owner, guest.jid, trial.world.clock.now())
        later = trial.world.clock.now() + FOUR_EYES_WITHIN
        over = await approvals.count_waiting(connection, trial.world.owner, guest.jid, later)
    assert (counted, over) == ((2, 1), (0, 0))
    assert rules.too_many(MOST_OF_ONE, 0, owns_agent=True)
    assert rules.too_many(0, MOST_OF_ALL, owns_agent=False)
    assert not rules.too_many(MOST_OF_ONE - 1, MOST_OF_ALL, owns_agent=True)
