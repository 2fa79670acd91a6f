"""Approvals (SPEC 6): what a person agrees to, who may, for how long, and that it runs once and unchanged.

Pure: a frozen record and a fact in, the next record or a refusal out. Each rule is a guard of its own, so that a test
can take it out and see the harm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from aiox.kernel.canonical import digest
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused
from aiox.kernel.verdict import Deny, Hold, Verdict

CONFIRM: Final = "confirm"
FOUR_EYES: Final = "four_eyes"
CONFIRM_WITHIN: Final = timedelta(minutes=15)
FOUR_EYES_WITHIN: Final = timedelta(days=3)
RUN_WITHIN: Final = timedelta(minutes=15)
"""Once granted."""
MOST_OF_ONE: Final = 10
"""Requests of one person to the agents of one owner that wait for a decision at once."""
MOST_OF_ALL: Final = 80
"""Of everybody to the agents of one owner, who may ask all the same."""
MAY_APPROVE: Final = frozenset({"owner", "admin", "approver"})
"""Roles in the organisation of the agent's owner."""


class State(StrEnum):
    """Where an approval stands. Only `granted` lets a call run, once, and then it is `used`."""

    PENDING = "pending"
    GRANTED = "granted"
    DENIED = "denied"
    EXPIRED = "expired"
    USED = "used"


@dataclass(frozen=True, slots=True)
class Call:
    """What is to be approved, to the byte. `arguments` are canonical JSON (RFC 8785)."""

    actor: str
    """Bare JID of the person who asks."""
    agent: UUID
    version: UUID
    tool: str
    arguments: bytes
    policy_hash: str
    """Of the agent's governance and of every policy that was asked."""

    def digest(self, expires_at: datetime) -> str:
        """SHA-256, in hex, over all of it and the moment at which the approval expires."""
        return digest(
            {
                "actor": self.actor,
                "agent": str(self.agent),
                "version": str(self.version),
                "tool": self.tool,
                "arguments": self.arguments.decode(),
                "policy_hash": self.policy_hash,
                "expires_at": expires_at.isoformat(timespec="microseconds"),
            }
        )


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who decides, with what is true of them now. `account` is None for a guest."""

    jid: str
    account: UUID | None
    roles: frozenset[str] = frozenset()
    """In the organisations of the agent's owner."""
    owns_agent: bool = False
    second_factor: bool = False
    approves_in: frozenset[UUID] = frozenset()
    """Of these organisations those in which the role is one of MAY_APPROVE."""

    @property
    def key(self) -> str:
        """One person, however many addresses: the account, else the address."""
        return str(self.account) if self.account else self.jid


@dataclass(frozen=True, slots=True)
class Vote:
    """A person's word."""

    person: str
    """Key of the person, see Person.key."""
    jid: str
    approves: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Approval:
    """One request for an approval, and all that was decided on it. `terms` come from the rules that held the call."""

    id: UUID
    call: Call
    terms: Hold
    requester: Person
    asked_at: datetime
    expires_at: datetime
    digest: str
    state: State = State.PENDING
    votes: tuple[Vote, ...] = ()
    granted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ballot:
    """A vote to be cast. `digest` is that of what the person was shown."""

    person: Person
    approves: bool
    digest: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Attempt:
    """A call that wants to run on the strength of an approval. `voters` are its approvers as they are now."""

    call: Call
    verdict: Verdict
    """What the judge says now."""
    voters: Sequence[Person]
    now: datetime


Refusal = Refused | None
VoteGuard = Callable[[Approval, Ballot], Refusal]
UseGuard = Callable[[Approval, Attempt], Refusal]


def ask(
    approval_id: UUID,
    call: Call,
    terms: Hold,
    requester: Person,
    now: datetime,
    four_eyes_within: timedelta = FOUR_EYES_WITHIN,
) -> Approval:
    """A new request, pending."""
    expires_at = now + (CONFIRM_WITHIN if terms.kind == CONFIRM else four_eyes_within)
    return Approval(approval_id, call, terms, requester, now, expires_at, call.digest(expires_at))


def seen_at(approval: Approval, now: datetime) -> Approval:
    """The same, expired when its time is over: to be decided, or, once granted, to run."""
    run_by = approval.granted_at + RUN_WITHIN if approval.granted_at else None
    late = (approval.state is State.PENDING and now >= approval.expires_at) or (
        approval.state is State.GRANTED and run_by is not None and now >= run_by
    )
    return replace(approval, state=State.EXPIRED) if late else approval


def too_many(own: int, others: int, *, owns_agent: bool) -> bool:
    """Whether one may ask for no more while `own` of theirs wait for a decision, and `others` of other people's.

    So nobody drowns what waits in requests, and whoever owns the agent can always ask for something.
    """
    return own >= MOST_OF_ONE or (not owns_agent and own + others >= MOST_OF_ALL)


# ---- deciding ----


def is_open(approval: Approval, ballot: Ballot) -> Refusal:
    """A1: only what waits can be decided, and only in its time."""
    state = seen_at(approval, ballot.now).state
    if state is State.PENDING:
        return None
    return Refused(ErrorCode.CONFLICT, f"This approval is {state}; nothing was changed.", ("A1 not-pending",))


def clock_is_sane(approval: Approval, ballot: Ballot) -> Refusal:
    """A2: a clock that went back decides nothing."""
    if ballot.now >= max((approval.asked_at, *(vote.at for vote in approval.votes))):
        return None
    return Refused(ErrorCode.CONFLICT, "The hub's clock went back; try again when it is right.", ("A2 clock",))


def is_somebody_else(approval: Approval, ballot: Ballot) -> Refusal:
    """A3: with four eyes nobody approves what they asked for, under whatever address, owner or not."""
    if approval.terms.kind == CONFIRM or not ballot.approves or not _is_requester(approval, ballot.person):
        return None
    return Refused(ErrorCode.ACCESS_DENIED, "Another person must approve what you asked for.", ("A3 own-request",))


def is_entitled(approval: Approval, ballot: Ballot) -> Refusal:
    """A4: confirm: who asked. Four eyes: the named ones, else who has the role; in the organisation whose rule it is.

    Who asked may always withdraw.
    """
    if may_decide(approval, ballot.person) or (not ballot.approves and _is_requester(approval, ballot.person)):
        return None
    return Refused(ErrorCode.ACCESS_DENIED, "You may not decide on this.", ("A4 not-an-approver",))


def has_second_factor(approval: Approval, ballot: Ballot) -> Refusal:
    """A5: where the rules ask for a second factor, saying yes needs one."""
    if not approval.terms.second_factor or not ballot.approves or ballot.person.second_factor:
        return None
    reason = (
        "Approving this needs a second factor. Approve it in the web pages or by the API after signing in with one."
    )
    return Refused(ErrorCode.ACCESS_DENIED, reason, ("A5 second-factor",))


def saw_this_call(approval: Approval, ballot: Ballot) -> Refusal:
    """A6: what was shown is what is approved."""
    if ballot.digest == approval.digest:
        return None
    return Refused(ErrorCode.CONFLICT, "This is not the call that you were shown. Look again.", ("A6 other-call",))


def votes_once(approval: Approval, ballot: Ballot) -> Refusal:
    """A7: one person, one vote."""
    if all(vote.person != ballot.person.key for vote in approval.votes):
        return None
    return Refused(ErrorCode.CONFLICT, "You have decided on this already.", ("A7 voted",))


VOTE_GUARDS: Final[tuple[VoteGuard, ...]] = (
    is_open,
    clock_is_sane,
    is_somebody_else,
    is_entitled,
    has_second_factor,
    saw_this_call,
    votes_once,
)


def decide(approval: Approval, ballot: Ballot, guards: Sequence[VoteGuard] = VOTE_GUARDS) -> Approval | Refused:
    """Casts a vote. One no closes it; as many yes as the quorum grant it."""
    for guard in guards:
        no = guard(approval, ballot)
        if no is not None:
            return no
    vote = Vote(ballot.person.key, ballot.person.jid, ballot.approves, ballot.now)
    voted = replace(approval, votes=(*approval.votes, vote))
    if not ballot.approves:
        return replace(voted, state=State.DENIED)
    if sum(one.approves for one in voted.votes) < approval.terms.quorum:
        return voted
    return replace(voted, state=State.GRANTED, granted_at=ballot.now)


# ---- running ----


def is_granted(approval: Approval, _attempt: Attempt) -> Refusal:
    """U1: granted, and not used before."""
    if approval.state is State.GRANTED and approval.granted_at is not None:
        return None
    return _void(f"The approval is {approval.state}.", "U1 not-granted")


def is_in_time(approval: Approval, attempt: Attempt) -> Refusal:
    """U2: within RUN_WITHIN of the grant, by a clock that did not go back."""
    if approval.granted_at is not None and approval.granted_at <= attempt.now < approval.granted_at + RUN_WITHIN:
        return None
    return _void("The approval was not used in time.", "U2 too-late")


def is_this_call(approval: Approval, attempt: Attempt) -> Refusal:
    """U3: the very call, to the byte, under the very policies."""
    if attempt.call.digest(approval.expires_at) == approval.digest:
        return None
    return _void("The call is not the one that was approved.", "U3 other-call")


def policy_agrees(approval: Approval, attempt: Attempt) -> Refusal:
    """U4: the judge is asked again. A no stands; a hold that asks for more than was given is not met."""
    if isinstance(attempt.verdict, Deny):
        return Refused(attempt.verdict.code, attempt.verdict.reason, attempt.verdict.rules)
    if isinstance(attempt.verdict, Hold) and not _meets(approval.terms, attempt.verdict):
        return _void("The rules ask for more than this approval gave.", "U4 stricter-now")
    return None


def approvers_stand(approval: Approval, attempt: Attempt) -> Refusal:
    """U5: those who said yes may still say it; as many as the quorum."""
    yes = {vote.person for vote in approval.votes if vote.approves}
    standing = {
        person.key
        for person in attempt.voters
        if person.key in yes
        and may_decide(approval, person)
        and (approval.terms.kind == CONFIRM or not _is_requester(approval, person))
    }
    if len(standing) >= approval.terms.quorum:
        return None
    return _void("Somebody who approved this may no longer do so.", "U5 approver-gone")


USE_GUARDS: Final[tuple[UseGuard, ...]] = (is_granted, is_in_time, is_this_call, policy_agrees, approvers_stand)


def use(approval: Approval, attempt: Attempt, guards: Sequence[UseGuard] = USE_GUARDS) -> Approval | Refused:
    """The approval, used; or why the call may not run. The store takes `used` once, by a conditional update."""
    for guard in guards:
        no = guard(approval, attempt)
        if no is not None:
            return no
    return replace(approval, state=State.USED)


def may_decide(approval: Approval, person: Person) -> bool:
    """Whether this approval is theirs to decide on, apart from its own request."""
    if approval.terms.kind == CONFIRM:
        return _is_requester(approval, person)
    terms = approval.terms
    if not person.approves_in.issuperset(terms.organisations):
        return False
    if terms.approvers:
        return person.jid in terms.approvers
    return bool(terms.organisations) or person.owns_agent or bool(person.roles & MAY_APPROVE)


def is_own(approval: Approval, person: Person) -> bool:
    """Whether a person must not approve this, for it is four eyes and their own request."""
    return approval.terms.kind != CONFIRM and _is_requester(approval, person)


def _is_requester(approval: Approval, person: Person) -> bool:
    return person.jid in {approval.requester.jid, approval.call.actor} or person.key == approval.requester.key


def _meets(given: Hold, wanted: Hold) -> bool:
    return (
        (given.kind == FOUR_EYES or wanted.kind == CONFIRM)
        and given.quorum >= wanted.quorum
        and (given.second_factor or not wanted.second_factor)
        and set(given.organisations) >= set(wanted.organisations)
        and (not wanted.approvers or (bool(given.approvers) and set(given.approvers) <= set(wanted.approvers)))
    )


def _void(reason: str, rule: str) -> Refused:
    return Refused(ErrorCode.TOOL_REFUSED, reason, (rule,))
