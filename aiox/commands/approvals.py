"""Approvals: what waits for a person, and their yes or no. Granted, the held turn goes on as an event of its own."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID, uuid4

from pydantic import Field

from aiox.commands.dead_letters import Resubmit
from aiox.commands.fields import Fields
from aiox.commands.gate import authorise_related, organisation_of
from aiox.commands.hub import Actor, Hub
from aiox.commands.notices import notice
from aiox.commands.refusal import hidden, refusal_of, refused
from aiox.commands.resume import agent_jid_of, resumed
from aiox.kernel.actions import Action
from aiox.kernel.canonical import Json
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import OwnerId, derived_id
from aiox.kernel.outcome import Refused
from aiox.runtime.keyring import CannotOpen
from aiox.runtime.nats import NotStored
from aiox.runtime.postgres import Connection, owner_scope
from policy import approvals as rules
from policy.access import Relation
from policy.approval_text import Shown, as_text, shown
from policy.approvals import Approval, Ballot, Person, State
from policy.ledger import Record
from registry import approvals, ledger, outbox, tenants
from registry.approvals import Kept
from registry.tenants import TenantKeyMissing
from registry.turns import OutboxRow

MOST: Final = 100
"""Approvals in one list."""
SHORTEST_NAME: Final = 4
NAME_LENGTH: Final = 8
RULE_UNKNOWN: Final = "A0 unknown"
NOT_HERE: Final = Refused(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.NOT_FOUND], (RULE_UNKNOWN,))


class WhichApproval(Fields):
    """One approval."""

    approval_id: UUID


class Decide(WhichApproval):
    """A yes or no to the call with this digest, which is the one that was shown."""

    approves: bool
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")


@dataclass(frozen=True, slots=True)
class Waiting:
    """An approval as a person sees it. `mine_to_decide` says whether their word counts; `delivered` that it has run."""

    id: UUID
    name: str
    agent_id: UUID
    requester: str
    kind: str
    quorum: int
    agreed: int
    state: State
    asked_at: datetime
    expires_at: datetime
    digest: str
    mine_to_decide: bool
    shown: Shown
    text: str


async def list_open(hub: Hub, actor: Actor) -> Sequence[Waiting] | Refused:
    """What waits for this person, or was asked for by them and waits for others; oldest first, at most MOST."""
    no = await refused(hub, actor, Action.APPROVAL_LIST, actor.owner)
    if no is not None:
        return no
    found = []
    for approval_id, owner in await approvals.find_for(hub.pool, actor.jid, MOST):
        loaded = await _load(hub, actor, approval_id, owner)
        if loaded is not None and rules.seen_at(loaded[0].approval, hub.clock.now()).state is not State.EXPIRED:
            found.append(_waiting(hub, *loaded))
    return found


async def read(hub: Hub, actor: Actor, fields: WhichApproval) -> Waiting | Refused:
    """One of them. NOT_FOUND for unknown ones and those of others alike."""
    found = await _find(hub, actor, Action.APPROVAL_READ, fields.approval_id)
    return found if isinstance(found, Refused) else _waiting(hub, *found)


async def find_by_name(hub: Hub, actor: Actor, name: str) -> Waiting | Refused:
    """The one that waits for this person under a name: the first letters of its digest. CONFLICT when two fit."""
    if len(name) < SHORTEST_NAME:
        return Refused(ErrorCode.BODY_INVALID, f"Give at least {SHORTEST_NAME} letters of its name.", (RULE_UNKNOWN,))
    listed = await list_open(hub, actor)
    if isinstance(listed, Refused):
        return listed
    fitting = [one for one in listed if one.digest.startswith(name.lower())]
    if len(fitting) > 1:
        return Refused(ErrorCode.CONFLICT, "More than one approval has this name; give more letters.", (RULE_UNKNOWN,))
    return fitting[0] if fitting else NOT_HERE


async def decide(hub: Hub, actor: Actor, fields: Decide, resubmit: Resubmit) -> Waiting | Refused:
    """Casts this person's vote. Granted, the call goes on in the background; it runs once, and within 15 minutes."""
    action = Action.APPROVAL_APPROVE if fields.approves else Action.APPROVAL_DENY
    found = await _find(hub, actor, action, fields.approval_id)
    if isinstance(found, Refused):
        return found
    kept, person = found
    ring = await tenants.load_ring(hub.pool, hub.keys, kept.owner)
    organisation = await organisation_of(hub, kept.owner, action)
    async with owner_scope(hub.pool, kept.owner) as connection:
        locked = await approvals.load(connection, ring, fields.approval_id, lock=True)
        if locked is None:
            return NOT_HERE
        ballot = Ballot(person, fields.approves, fields.digest, hub.clock.now())
        decided = rules.decide(locked.approval, ballot)
        if isinstance(decided, Refused):
            await _record_refusal(connection, locked, actor, decided, ballot.now, organisation)
            return decided
        await approvals.vote(connection, locked, decided)
        await _record(connection, locked, decided, ballot.now, organisation)
        await outbox.put(connection, _denial(locked, decided, ballot.now))
    if decided.state is State.GRANTED:
        with suppress(NotStored):  # the grant stands, and the orchestrators' sweep puts it on the bus when that is back
            await resubmit(resumed(kept, hub.clock.now()))
    return _waiting(hub, Kept(decided, kept.owner, kept.turn, kept.message), person)


async def _find(hub: Hub, actor: Actor, action: Action, approval_id: UUID) -> tuple[Kept, Person] | Refused:
    owner = await approvals.find_owner_for(hub.pool, actor.jid, approval_id)
    loaded = None if owner is None else await _load(hub, actor, approval_id, owner)
    relation = Relation.NONE if loaded is None else Relation.GRANTED
    no = hidden(refusal_of(await authorise_related(hub, actor, action, relation, owner)))
    return no or loaded or NOT_HERE


async def _load(hub: Hub, actor: Actor, approval_id: UUID, owner: OwnerId) -> tuple[Kept, Person] | None:
    try:
        ring = await tenants.load_ring(hub.pool, hub.keys, owner)
        async with owner_scope(hub.pool, owner) as connection:
            kept = await approvals.load(connection, ring, approval_id)
    except (CannotOpen, TenantKeyMissing):  # its owner was erased, and their keys with them
        return None
    if kept is None:
        return None
    strong = await approvals.showed_second_factor(hub.pool, actor.owner, actor.session)
    return kept, await approvals.find_person(hub.pool, actor.jid, owner, second_factor=strong)


def _waiting(hub: Hub, kept: Kept, person: Person) -> Waiting:
    approval = kept.approval
    name = approval.digest[:NAME_LENGTH]
    call = shown(approval.call, hub.tools.get(approval.call.tool))
    return Waiting(
        id=approval.id,
        name=name,
        agent_id=approval.call.agent,
        requester=approval.call.actor,
        kind=approval.terms.kind,
        quorum=approval.terms.quorum,
        agreed=sum(vote.approves for vote in approval.votes),
        state=rules.seen_at(approval, hub.clock.now()).state,
        asked_at=approval.asked_at,
        expires_at=approval.expires_at,
        digest=approval.digest,
        mine_to_decide=rules.may_decide(approval, person) and not rules.is_own(approval, person),
        shown=call,
        text=as_text(call, approval.call.actor, approval.terms, approval.expires_at, name),
    )


def _denial(kept: Kept, decided: Approval, now: datetime) -> list[OutboxRow]:
    """Who asked hears of a no that is not their own."""
    vote, to = decided.votes[-1], decided.call.actor
    if decided.state is not State.DENIED or vote.jid == to:
        return []
    name = decided.digest[:NAME_LENGTH]
    text = f"Approval {name} for {decided.call.tool} was denied by {vote.jid}. Nothing was run."
    return [notice(kept.owner, derived_id(decided.id, "denied"), agent_jid_of(kept), to, text, now)]


async def _record(
    connection: Connection, kept: Kept, decided: Approval, now: datetime, organisation: UUID | None
) -> None:
    vote = decided.votes[-1]
    details: dict[str, Json] = {
        "approval_id": str(decided.id),
        "approves": vote.approves,
        "digest": decided.digest,
        "state": str(decided.state),
        "kind": decided.terms.kind,
        "rules": list(decided.terms.rules),
    }
    record = Record(
        uuid4(), kept.owner, "approval.decided", "warning", details, now, vote.jid, None, kept.turn, organisation
    )
    await ledger.append(connection, [record])


async def _record_refusal(
    connection: Connection, kept: Kept, actor: Actor, no: Refused, now: datetime, organisation: UUID | None
) -> None:
    details: dict[str, Json] = {
        "approval_id": str(kept.approval.id),
        "reason_code": str(no.code),
        "rules": list(no.rules),
    }
    record = Record(
        uuid4(), kept.owner, "approval.refused", "warning", details, now, actor.jid, None, kept.turn, organisation
    )
    await ledger.append(connection, [record])
