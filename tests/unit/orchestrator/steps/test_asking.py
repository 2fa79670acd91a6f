"""Whom an agent may ask: what the person and its owner may both, once each in a chain, and not too far."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest

from aiox.kernel.agent import Tool, ToolPolicy
from aiox.kernel.canonical import canonical
from aiox.kernel.ids import AgentId
from aiox.kernel.jid import BareJid
from aiox.kernel.question import Question
from aiox.kernel.tools import known_tools
from orchestrator.proofs import Delegation
from orchestrator.steps import asking
from orchestrator.steps.asking import (
    IN_A_CIRCLE,
    NOT_NAMED,
    NOT_THERE,
    TOO_FAR,
    Reached,
    described,
    from_elsewhere,
    reach,
    refused_chain,
)
from policy.access import Relation
from policy.tools import Call

OWNER, STRANGER = UUID(int=1), UUID(int=2)
FIRST, OTHER, THIRD = AgentId(UUID(int=11)), AgentId(UUID(int=12)), AgentId(UUID(int=13))
OWNERS = {FIRST: OWNER, OTHER: OWNER, THIRD: STRANGER}


class World:
    """Who may talk to whom, without a database."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **open_to: tuple[AgentId, ...]) -> None:
        self.open_to = {f"{name}@localhost": agents for name, agents in open_to.items()}
        self.asked: list[str] = []
        monkeypatch.setattr(asking, "find_turn", self.find_turn)
        monkeypatch.setattr(asking, "find_address", self.find_address)
        settings = SimpleNamespace(agents_domain="agents.localhost", limits=SimpleNamespace(agent_hops=3))
        self.ports: Any = SimpleNamespace(pool=None, settings=settings)

    async def find_turn(self, _pool: Any, agent: AgentId, sender: str, _turn: UUID) -> Any:
        self.asked.append(sender)
        if agent not in self.open_to.get(sender, ()):
            return SimpleNamespace(relation=Relation.NONE, agent=None, owner=OWNERS.get(agent))
        return SimpleNamespace(relation=Relation.GRANTED, agent=agent, owner=OWNERS[agent])

    async def find_address(self, _pool: Any, owner: UUID) -> str | None:
        return {OWNER: "owner@localhost", STRANGER: "stranger@localhost"}.get(owner)


def loaded(*chain: AgentId, sender: str = "owner@localhost", named: tuple[str, ...] = ()) -> Any:
    """A turn of this person; the last of the chain is the agent that asks."""
    delegation = Delegation(chain[:-1], uuid4(), 0.0, 0, frozenset(), same_owner=True) if chain[1:] else None
    return SimpleNamespace(
        chain=chain,
        delegation=delegation,
        authorised=SimpleNamespace(owner=OWNERS[chain[-1]]),
        turn=SimpleNamespace(message=SimpleNamespace(sender=sender, question=None)),
        configured=(Tool(name="ask_agent", policy=ToolPolicy()),),
        version=SimpleNamespace(governance=SimpleNamespace(allowed_domains=named)),
    )


def call(agent: AgentId | str) -> Call:
    to = agent if isinstance(agent, str) else f"agent-{agent}@agents.localhost"
    return Call(uuid4(), 0, str(uuid4()), "ask_agent", canonical({"to": to, "message": "hi"}))


async def test_an_own_agent_is_reached_and_what_is_said_stays_in_the_house(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, owner=(FIRST, OTHER))
    found = await reach(world.ports, loaded(FIRST), call(OTHER))
    assert isinstance(found, Reached)
    assert (found.agent, found.same_owner) == (OTHER, True)
    assert described(known_tools(""), found)["ask_agent"].outward is False


async def test_what_a_foreign_agent_is_told_goes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, owner=(FIRST, THIRD))
    found = await reach(world.ports, loaded(FIRST), call(THIRD))
    assert isinstance(found, Reached)
    assert described(known_tools(""), found)["ask_agent"].outward is True
    assert described(known_tools(""), None)["ask_agent"].outward is True
    assert described(known_tools(""), NOT_THERE)["ask_agent"].outward is False, "it goes nowhere"


async def test_a_guest_reaches_nobody_through_an_agent_whom_they_may_not_talk_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(monkeypatch, owner=(FIRST, OTHER), guest=(FIRST,))
    assert await reach(world.ports, loaded(FIRST, sender="guest@localhost"), call(OTHER)) == NOT_THERE


@pytest.mark.control
async def test_control_with_the_owners_rights_the_guest_would(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, owner=(FIRST, OTHER), guest=(FIRST,))
    assert isinstance(await reach(world.ports, loaded(FIRST), call(OTHER)), Reached)


async def test_an_agent_reaches_nobody_by_its_guest_whom_its_owner_may_not_talk_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else whoever offers an agent reads what their guests' own agents know."""
    world = World(monkeypatch, guest=(FIRST, THIRD), owner=(FIRST,))
    assert await reach(world.ports, loaded(FIRST, sender="guest@localhost"), call(THIRD)) == NOT_THERE


@pytest.mark.control
async def test_control_with_the_guests_rights_alone_it_would(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, guest=(FIRST, THIRD), owner=(FIRST,))

    async def nobody_asks(*_: Any) -> bool:
        return True

    monkeypatch.setattr(asking, "_open_to_owner", nobody_asks)
    assert isinstance(await reach(world.ports, loaded(FIRST, sender="guest@localhost"), call(THIRD)), Reached)


async def test_no_agent_is_asked_twice_in_a_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, owner=(FIRST, OTHER, THIRD))
    assert await reach(world.ports, loaded(FIRST, OTHER), call(FIRST)) == IN_A_CIRCLE
    assert await reach(world.ports, loaded(FIRST, OTHER), call(OTHER)) == IN_A_CIRCLE


@pytest.mark.control
async def test_control_a_chain_that_forgets_where_it_began_goes_round(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, owner=(FIRST, OTHER, THIRD))
    assert isinstance(await reach(world.ports, loaded(OTHER), call(FIRST)), Reached)


async def test_a_chain_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, owner=(FIRST, OTHER, THIRD))
    far = [AgentId(UUID(int=number)) for number in (20, 21, 22)]
    OWNERS.update(dict.fromkeys(far, OWNER))
    assert isinstance(await reach(world.ports, loaded(*far[:2], FIRST), call(OTHER)), Reached)
    assert await reach(world.ports, loaded(*far, FIRST), call(OTHER)) == TOO_FAR


async def test_who_is_not_here_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, owner=(FIRST, OTHER))
    assert await reach(world.ports, loaded(FIRST), call("nobody@agents.localhost")) == NOT_THERE


FAR = "agent-00000000-0000-0000-0000-00000000000c@agents.other.example"


@pytest.mark.parametrize(("named", "far"), [(("agents.other.example",), True), (("*.example",), True), ((), False)])
async def test_another_hub_is_asked_when_the_owner_has_named_it(
    monkeypatch: pytest.MonkeyPatch, named: tuple[str, ...], far: bool
) -> None:
    world = World(monkeypatch)
    found = await reach(world.ports, loaded(FIRST, named=named), call(FAR))
    assert found == (Reached(None, BareJid(FAR), same_owner=False) if far else NOT_NAMED)


async def test_a_chain_that_comes_back_from_another_hub_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    world, back = World(monkeypatch), AgentId(UUID("00000000-0000-0000-0000-00000000000c"))
    named = ("agents.other.example",)
    assert await reach(world.ports, loaded(back, FIRST, named=named), call(FAR)) == IN_A_CIRCLE


QUESTION = Question(UUID(int=5), UUID(int=6), (UUID(int=21), UUID(int=22)), 30_000)


def asked_from_elsewhere(chain: tuple[int, ...]) -> Any:
    question = replace(QUESTION, chain=tuple(UUID(int=number) for number in chain))
    turn: Any = SimpleNamespace(message=SimpleNamespace(question=question))
    clock = SimpleNamespace(monotonic=lambda: 100.0)
    ports: Any = SimpleNamespace(clock=clock, settings=SimpleNamespace(limits=SimpleNamespace(agent_hops=3)))
    delegation = from_elsewhere(ports, turn)
    version = SimpleNamespace(agent_id=FIRST)
    return ports, SimpleNamespace(delegation=delegation, turn=turn, version=version)


@pytest.mark.parametrize(
    ("chain", "said"), [((21,), ""), ((21, 22, 23), ""), ((21, 22, 23, 24), TOO_FAR), ((21, 11), IN_A_CIRCLE)]
)
def test_a_chain_from_another_hub_is_held_to_our_limits(chain: tuple[int, ...], said: str) -> None:
    ports, turn = asked_from_elsewhere(chain)
    assert refused_chain(ports, turn) == said
    assert turn.delegation.until == 130.0


@pytest.mark.parametrize("arguments", [b"", b"{}", b"[]", b'{"to":5}', b"[" * 100_000])
async def test_arguments_in_no_order_name_nobody(monkeypatch: pytest.MonkeyPatch, arguments: bytes) -> None:
    world = World(monkeypatch, owner=(FIRST, OTHER))
    wanted = Call(uuid4(), 0, str(uuid4()), "ask_agent", arguments)
    assert await reach(world.ports, loaded(FIRST), wanted) == NOT_THERE
    assert world.asked == []
