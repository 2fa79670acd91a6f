"""The world of tests/unit/policy/approval_world.py on the real stores: commands, roles, votes, the one use."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from uuid import UUID, uuid4

from aiox.commands import approvals as commands
from aiox.commands.approvals import Decide
from aiox.commands.hub import Actor, Hub
from aiox.kernel.canonical import canonical
from aiox.kernel.envelope import Envelope, MessageReceived
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import AgentId, OwnerId, TurnId, derived_id
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from aiox.kernel.verdict import Deny, Hold
from aiox.runtime.postgres import Pool, owner_scope
from policy import approvals as rules
from policy.approvals import Approval, Attempt, Call, Person
from policy.ledger import Record
from registry import approvals, tenants, tool_calls
from registry.approvals import Kept
from registry.tool_calls import AlreadyStarted, ApprovalGone, NewCall
from tests.integration.governance import join, message_event, organisation
from tests.stores import Stores
from tests.unit.policy.approval_world import DEEDS, START, TERMS, WAITS, Event, Step

NAMES = ("ada@h", "bob@h", "cid@h", "eve@h", "guest@peer")
ROLES = {"ada@h": "owner", "bob@h": "approver", "cid@h": "admin", "eve@h": "member"}
PARTITION = 30


def drawn(random: Random) -> list[Step]:
    """A sequence like those of the pure world, that begins with somebody asking."""
    found = [(random.choice(DEEDS), random.randrange(5), random.choice(NAMES)) for _ in range(random.randint(3, 12))]
    return [("ask", random.randrange(5), random.choice(NAMES)), *found]


class SequenceClock:
    """Time as the sequence says."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return (self.at - START).total_seconds()


class StoredWorld:
    """One owner, their organisation, their agent; `one_use` false leaves the conditional update out."""

    def __init__(self, stores: Stores, people: dict[str, Actor], scope: UUID, agent: AgentId, one_use: bool) -> None:
        self.stores, self.actors, self.scope, self.agent, self.one_use = stores, people, scope, agent, one_use
        self.clock = SequenceClock()
        self.hub = self._new_hub()
        self.policy, self.verdict = "policy-0", "hold"
        self.people = {
            name: Person(name, None if name == "guest@peer" else uuid4(), frozenset({ROLES.get(name, "")} - {""}))
            for name in NAMES
        }
        self.people["ada@h"] = replace(self.people["ada@h"], owns_agent=True)
        self.rows: list[Approval] = []
        self.calls: list[Call] = []
        self.log: list[Event] = []

    @classmethod
    async def made(cls, stores: Stores, *, one_use: bool = True) -> StoredWorld:
        people = {name: await stores.account() for name in NAMES[:4]}
        people["guest@peer"] = Actor(OwnerId(uuid4()), BareJid(f"{uuid4().hex}@peer"))
        scope = await organisation(stores, people["ada@h"], "owner")
        for name, role in list(ROLES.items())[1:]:
            await join(stores, scope, people[name], role)
        return cls(stores, people, scope, await stores.agent(people["ada@h"]), one_use)

    @property
    def owner(self) -> OwnerId:
        return self.actors["ada@h"].owner

    async def step(self, what: str, which: int, who: str) -> None:
        await getattr(self, f"_{what}")(which, who)

    async def _ask(self, which: int, who: str) -> None:
        jid = self.actors[who].jid
        version = derived_id(self.agent, "version")
        call = Call(jid, self.agent, version, "append_line", canonical({"line": f"x{which}"}), self.policy)
        requester = await approvals.find_person(self.stores.pools["orchestrator"], jid, self.owner)
        new = rules.ask(uuid4(), call, TERMS[which], requester, self.clock.now())
        pool = self.stores.pools["orchestrator"]
        async with owner_scope(pool, self.owner) as connection:
            ring = await tenants.ring_of(connection, self.stores.keys, self.owner)
            await approvals.add(
                connection,
                ring,
                Kept(new, self.owner, TurnId(uuid4()), message_event(jid, self.agent, self.clock.now())),
            )
        self.rows.append(new)
        self.calls.append(call)
        self._note("ask", len(self.rows) - 1, who)

    async def _approve(self, which: int, who: str) -> None:
        await self._vote(which, who, approves=True)

    async def _deny(self, which: int, who: str) -> None:
        await self._vote(which, who, approves=False)

    async def _other(self, which: int, who: str) -> None:
        await self._vote(which, who, approves=True, digest="0" * 64)

    async def _vote(self, which: int, who: str, *, approves: bool, digest: str = "") -> None:
        number = which % len(self.rows)
        fields = Decide(approval_id=self.rows[number].id, approves=approves, digest=digest or self.rows[number].digest)
        decided = await commands.decide(self.hub, self.actors[who], fields, _bus)
        if not isinstance(decided, Refused):
            self._note(("approve" if approves else "deny") if digest == "" else "blind", number, who)

    async def _edit(self, which: int, _who: str) -> None:
        number = which % len(self.rows)
        arguments = self.calls[number].arguments
        self.calls[number] = replace(self.calls[number], arguments=arguments.replace(b"x", b"y", 1))

    async def _run(self, which: int, _who: str) -> None:
        await self._use(which % len(self.rows))

    async def _race(self, which: int, _who: str) -> None:
        """Two orchestrators with the same granted approval at the same moment."""
        number = which % len(self.rows)
        await asyncio.gather(self._use(number), self._use(number))

    async def _use(self, number: int) -> None:
        call = replace(self.calls[number], policy_hash=self.policy)
        pool = self.stores.pools["orchestrator"]
        async with owner_scope(pool, self.owner) as connection:
            ring = await tenants.ring_of(connection, self.stores.keys, self.owner)
            kept = await approvals.load(connection, ring, self.rows[number].id)
        if kept is None:
            return
        voters = [await approvals.find_person(pool, vote.jid, self.owner) for vote in kept.approval.votes]
        attempt = Attempt(call, self._judged(number), voters, self.clock.now())
        if isinstance(rules.use(kept.approval, attempt), Refused):
            return
        await asyncio.sleep(0)  # both have read before one writes
        try:
            await tool_calls.start(
                pool, PARTITION, await self._fence(), self._new(call), self._record(), self._id(kept)
            )
        except (ApprovalGone, AlreadyStarted):
            return
        self._note("run", number, next(name for name, one in self.actors.items() if one.jid == call.actor), call)

    def _judged(self, number: int) -> Deny | Hold:
        if self.verdict == "forbid":
            return Deny(ErrorCode.ACCESS_DENIED, "no", ("x",))
        return self.rows[number].terms if self.verdict == "hold" else Hold("four_eyes", ("x",), quorum=9)

    def _id(self, kept: Kept) -> UUID | None:
        return kept.approval.id if self.one_use else None

    def _new(self, call: Call) -> NewCall:
        turn = TurnId(uuid4())
        return NewCall(uuid4(), self.owner, self.agent, turn, [turn], call.tool, b"digest", self.clock.now())

    def _record(self) -> Record:
        return Record(uuid4(), self.owner, "tool.started", "info", {}, self.clock.now(), "")

    async def _fence(self) -> int:
        async with self.stores.superuser() as connection:
            token: int = await connection.fetchval("SELECT token FROM partition_leases WHERE partition = $1", PARTITION)
        return token

    async def _wait(self, which: int, _who: str) -> None:
        self.clock.at += WAITS[which]

    async def _back(self, which: int, _who: str) -> None:
        self.clock.at -= min(WAITS[which], timedelta(hours=1))

    async def _role(self, which: int, who: str) -> None:
        role = ("member", "approver", "auditor", "admin", "owner")[which]
        if who in ROLES and who != "ada@h":  # the owner of the agent stays one
            await join(self.stores, self.scope, self.actors[who], role)
            self.people[who] = replace(self.people[who], roles=frozenset({role}))

    async def _policy(self, which: int, _who: str) -> None:
        self.policy = f"policy-{which}"

    async def _stricter(self, _which: int, _who: str) -> None:
        self.verdict = "stricter"

    async def _forbid(self, _which: int, _who: str) -> None:
        self.verdict = "forbid"

    async def _restart(self, _which: int, _who: str) -> None:
        """New processes: nothing is left but what is stored."""
        self.hub, self.verdict = self._new_hub(), "hold"
        for pool in self.stores.pools.values():
            await pool.expire_connections()

    def _new_hub(self) -> Hub:
        return self.hub_of(self.stores.pools["gateway"])

    def hub_of(self, pool: Pool) -> Hub:
        """The hub as the service with this pool sees it, by the sequence's clock."""
        return Hub(pool, self.stores.keys, self.clock, "localhost")

    def _note(self, what: str, number: int, who: str, ran: Call | None = None) -> None:
        asked = self.rows[number].call
        live = dict(self.people)
        if what == "run":
            live["verdict"] = Person(self.verdict, None)
        policy = self.policy if what == "run" else asked.policy_hash
        arguments = (ran or asked).arguments
        self.log.append(Event(what, number, who, arguments, policy, self.clock.now(), self.people[who].roles, live))


async def _bus(_envelope: Envelope[MessageReceived]) -> None:
    """What is granted is run by the sequence itself."""
