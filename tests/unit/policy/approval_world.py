"""A small world in which approvals are asked for, decided, used and abused, and a log for an oracle to judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from hypothesis import strategies as st

from aiox.kernel.canonical import canonical
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused
from aiox.kernel.verdict import Allow, Deny, Hold, Verdict
from policy import approvals
from policy.approvals import Approval, Attempt, Ballot, Call, Person, State, UseGuard, VoteGuard

START = datetime(2026, 1, 1, tzinfo=UTC)
SPACE = UUID("6a1e2f0c-52a4-5c58-9b36-0c1f6b8f2a10")
PEOPLE = {
    "ada@h": Person("ada@h", uuid5(SPACE, "ada"), frozenset({"owner"}), owns_agent=True),
    "ada-phone@h": Person("ada-phone@h", uuid5(SPACE, "ada"), frozenset({"owner"}), owns_agent=True),
    "bob@h": Person("bob@h", uuid5(SPACE, "bob"), frozenset({"approver"}), second_factor=True),
    "bob-work@h": Person("bob-work@h", uuid5(SPACE, "bob"), frozenset({"approver"}), second_factor=True),
    "cid@h": Person("cid@h", uuid5(SPACE, "cid"), frozenset({"admin"})),
    "eve@h": Person("eve@h", uuid5(SPACE, "eve"), frozenset({"member"})),
    "guest@peer": Person("guest@peer", None),
}
"""Ada owns the agent and has two addresses; Eve has no role that approves; the guest has no account."""
TERMS = (
    Hold("confirm", ("r",)),
    Hold("four_eyes", ("r",)),
    Hold("four_eyes", ("r",), quorum=2),
    Hold("four_eyes", ("r",), approvers=("bob@h", "ada@h")),
    Hold("four_eyes", ("r",), second_factor=True),
)
WAITS = (timedelta(0), timedelta(minutes=5), timedelta(minutes=14), timedelta(minutes=16), timedelta(days=4))

DEEDS = (
    *("ask", "approve", "approve", "approve", "run", "run", "run", "deny", "edit", "race"),
    *("wait", "role", "policy", "stricter", "forbid", "restart", "back", "other"),
)
ROLES = tuple(frozenset({role} - {""}) for role in ("", "approver", "member", "admin", "owner"))
Step = tuple[str, int, str]
steps = st.lists(
    st.tuples(
        st.sampled_from(DEEDS),
        st.integers(0, 4),
        st.sampled_from(list(PEOPLE)),
    ),
    min_size=2,
    max_size=14,
).map(lambda found: [("ask", found[0][1], found[0][2]), *found[1:]])
"""(what, which, who). A sequence begins with somebody asking."""


@dataclass(frozen=True)
class Event:
    """What happened, as the oracle sees it: nothing of it comes from the code under test but that it happened."""

    what: str
    approval: int
    who: str
    arguments: bytes
    policy: str
    now: datetime
    roles: frozenset[str] = frozenset()
    live: dict[str, Person] = field(default_factory=dict)


class World:
    """The ports in memory. Guards, and the one-use update of the store, can be taken out."""

    def __init__(self, vote_guards: Sequence[VoteGuard], use_guards: Sequence[UseGuard], one_use: bool = True) -> None:
        self.vote_guards, self.use_guards, self.one_use = vote_guards, use_guards, one_use
        self.now, self.policy, self.verdict = START, "policy-0", "hold"
        self.people = dict(PEOPLE)
        self.rows: list[Approval] = []
        self.calls: list[Call] = []
        self.log: list[Event] = []

    def step(self, what: str, which: int, who: str) -> None:
        """Does one thing; what cannot be done changes nothing."""
        getattr(self, f"_{what}")(which, who)

    def _ask(self, which: int, who: str) -> None:
        arguments = canonical({"line": f"x{which}"})
        call = Call(who, SPACE, SPACE, "append_line", arguments, self.policy)
        approval_id = uuid5(SPACE, str(len(self.rows)))
        self.rows.append(approvals.ask(approval_id, call, TERMS[which], self.people[who], self.now))
        self.calls.append(call)
        self._note("ask", len(self.rows) - 1, who)

    def _approve(self, which: int, who: str) -> None:
        self._vote(which, who, approves=True)

    def _deny(self, which: int, who: str) -> None:
        self._vote(which, who, approves=False)

    def _vote(self, which: int, who: str, *, approves: bool, digest: str = "") -> None:
        number = which % len(self.rows)
        row = self.rows[number]
        ballot = Ballot(self.people[who], approves, digest or row.digest, self.now)
        decided = approvals.decide(row, ballot, self.vote_guards)
        if isinstance(decided, Approval):
            self.rows[number] = decided
            self._note("approve" if approves else "deny", number, who, shown=digest == "")

    def _other(self, which: int, who: str) -> None:
        """An answer to what was shown for another call."""
        self._vote(which, who, approves=True, digest="of another call")

    def _edit(self, which: int, _who: str) -> None:
        number = which % len(self.rows)
        arguments = self.calls[number].arguments
        self.calls[number] = replace(self.calls[number], arguments=arguments.replace(b"x", b"y", 1))

    def _run(self, which: int, _who: str, row: Approval | None = None) -> None:
        number = which % len(self.rows)
        call = replace(self.calls[number], policy_hash=self.policy)
        voters = [self.people[vote.jid] for vote in self.rows[number].votes]
        attempt = Attempt(call, self._judge(number), voters, self.now)
        used = approvals.use(row or self.rows[number], attempt, self.use_guards)
        if isinstance(used, Refused):
            return
        if self.one_use and self.rows[number].state is not State.GRANTED:  # the store's conditional update
            return
        self.rows[number] = used
        self._note("run", number, call.actor, arguments=call.arguments)

    def _race(self, which: int, who: str) -> None:
        """Two processes have read the same row before either has written."""
        row = self.rows[which % len(self.rows)]
        self._run(which, who, row)
        self._run(which, who, row)

    def _judge(self, number: int) -> Verdict:
        if self.verdict == "forbid":
            return Deny(ErrorCode.ACCESS_DENIED, "no", ("x",))
        if self.verdict == "stricter":
            return Hold("four_eyes", ("x",), quorum=9)
        return self.rows[number].terms if self.verdict == "hold" else Allow(("x",))

    def _wait(self, which: int, _who: str) -> None:
        self.now += WAITS[which]

    def _back(self, which: int, _who: str) -> None:
        self.now -= WAITS[which]

    def _role(self, which: int, who: str) -> None:
        self.people[who] = replace(self.people[who], roles=ROLES[which], owns_agent=False)

    def _policy(self, which: int, _who: str) -> None:
        self.policy = f"policy-{which}"

    def _stricter(self, _which: int, _who: str) -> None:
        self.verdict = "stricter"

    def _forbid(self, _which: int, _who: str) -> None:
        self.verdict = "forbid"

    def _restart(self, _which: int, _who: str) -> None:
        """What is written survives, with the microseconds that a database keeps; nothing else does."""
        self.rows = [replace(row, votes=tuple(row.votes)) for row in self.rows]
        self.verdict = "hold"

    def _note(self, what: str, number: int, who: str, *, shown: bool = True, arguments: bytes = b"") -> None:
        asked = self.rows[number].call
        self.log.append(
            Event(
                what if shown else "blind",
                number,
                who,
                arguments or asked.arguments,
                self.policy if what == "run" else asked.policy_hash,
                self.now,
                self.people[who].roles,
                dict(self.people),
            )
        )
        if what == "run":
            self.log[-1].live["verdict"] = Person(self.verdict, None)
