"""A call that waits for a person: asked for once, told to who may decide, and used up when its turn goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from aiox.commands import gate
from aiox.commands.notices import notice
from aiox.commands.resume import RESUMED
from aiox.kernel.canonical import Json, canonical
from aiox.kernel.ids import TurnId, derived_id
from aiox.kernel.outcome import Answered, Refused, Usage
from aiox.kernel.tools import MAX_TRANSCRIPT_BYTES
from aiox.kernel.verdict import Hold
from aiox.runtime.postgres import owner_scope
from aiox.wire.codec import encode
from orchestrator.ports import Ports
from orchestrator.proofs import Authorised, Loaded, Stopped, Turn
from policy import approvals as rules
from policy.approval_text import as_text, shown
from policy.approvals import CONFIRM, FOUR_EYES, Approval, Attempt, Call, State
from policy.cedar.judge import Decision, Policies
from policy.ledger import Record
from policy.tool_gate import policy_hash
from policy.tools import Call as Wanted
from registry import approvals, ledger, outbox
from registry.approvals import Kept
from registry.turns import OutboxRow

NAME_LENGTH: Final = 8
TOO_LATE: Final = "The approval for this was not used in time, or its call was decided otherwise. Nothing was run."


TOO_MANY: Final = (
    "The call to {} needs an approval, and too many wait for a decision already. Nothing was run. Decide on those first"
    " (/pending), or wait."
)
NOT_KEPT: Final = "The call to {} needs an approval and could not be put down for one. Nothing was run; ask again."


def is_transcript(continuation: bytes) -> bool:
    """Whether this may be kept; what it says is the workers' own matter."""
    return 0 < len(continuation) <= MAX_TRANSCRIPT_BYTES and continuation.isascii()


async def approved_of(ports: Ports, authorised: Authorised) -> Kept | None:
    """The approval by which this turn goes on; None for an ordinary turn, and when it is not granted any more."""
    turn = authorised.turn
    if turn.envelope.type != RESUMED:
        return None
    ring = await ports.versions.ring(authorised.owner)
    async with owner_scope(ports.pool, authorised.owner) as connection:
        kept = await approvals.load(connection, ring, turn.envelope.causation_id)
    if kept is None or rules.seen_at(kept.approval, ports.clock.now()).state is not State.GRANTED:
        return None
    return kept


def lost_approval(loaded: Loaded) -> Stopped | None:
    """Before tokens are reserved: a turn that cannot go on is concluded; its message is not thought about again."""
    authorised, turn = loaded.authorised, loaded.turn
    if turn.envelope.type != RESUMED or loaded.approved is not None or authorised.called:
        return None
    answer = Answered(TOO_LATE, Usage(0, 0), (), (), (), "", "", 0, 0)
    return Stopped(turn, authorised.owner, answer, authorised.decision)


def continuation(loaded: Loaded) -> bytes:
    """What the worker begins with: the approved call, and what the turn had done before. Empty for an ordinary turn."""
    if loaded.approved is None:
        return b""
    call, transcript = loaded.approved.approval.call, loaded.approved.transcript
    return canonical({"tool": call.tool, "arguments": call.arguments.decode(), "transcript": transcript.decode()})


def call_of(loaded: Loaded, wanted: Wanted, policies: Policies | None) -> Call:
    """The call as an approval is bound to it."""
    mcp = loaded.mcp.get(wanted.tool)
    return Call(
        actor=loaded.turn.message.sender,
        agent=loaded.version.agent_id,
        version=loaded.version.id,
        tool=wanted.tool,
        arguments=wanted.arguments,
        policy_hash=policy_hash(loaded.version.policy_hash, policies, mcp.seen.digest if mcp else ""),
    )


async def check(ports: Ports, loaded: Loaded, kept: Kept, call: Call, decided: Decision) -> Refused | None:
    """Whether this approval lets this very call run now, asked again of everything that it rests on."""
    voters = [
        await approvals.find_person(ports.pool, vote.jid, kept.owner) for vote in kept.approval.votes if vote.approves
    ]
    used = rules.use(kept.approval, Attempt(call, decided.verdict, voters, ports.clock.now()))
    return used if isinstance(used, Refused) else None


@dataclass(frozen=True, slots=True)
class Told:
    """What the person is told of a call that waits. `name` is the approval's where they may decide on it themselves."""

    text: str
    name: str = ""


async def hold(ports: Ports, loaded: Loaded, call: Call, terms: Hold, transcript: bytes) -> Told:
    """Asks for the approval, once however often the turn is tried; returns what its person is told.

    In the same commit stands all that the turn needs to go on: message, pinned version, transcript.
    """
    owner, turn = loaded.authorised.owner, loaded.turn
    requester = await approvals.find_person(ports.pool, call.actor, owner)
    approval_id = approval_of(turn, call)
    new = rules.ask(approval_id, call, terms, requester, ports.clock.now())
    kept = Kept(new, owner, TurnId(turn.message.turn_id), encode(turn.envelope), transcript)
    notices = await _notices(ports, loaded, new)
    async with owner_scope(ports.pool, owner) as connection:
        before = await approvals.load(connection, loaded.ring, approval_id)
        if before is not None:
            return _told(ports, loaded, before.approval)
        counted = await approvals.count_waiting(connection, owner, call.actor, ports.clock.now())
        if rules.too_many(*counted, owns_agent=requester.owns_agent):
            return Told(TOO_MANY.format(call.tool))
        await approvals.add(connection, loaded.ring, kept)
        await outbox.put(connection, notices)
        await ledger.append(connection, [_asked(ports, loaded, new)])
    return _told(ports, loaded, new)


def _told(ports: Ports, loaded: Loaded, approval: Approval) -> Told:
    own = approval.terms.kind == CONFIRM and not approval.terms.second_factor
    return Told(_text(ports, loaded, approval), approval.digest[:NAME_LENGTH] if own else "")


def approval_of(turn: Turn, call: Call) -> UUID:
    """The id of the approval that a turn asks for a call: the same at every attempt."""
    return derived_id(turn.generation, f"approval:{call.tool}:{call.arguments.hex()}")


async def _notices(ports: Ports, loaded: Loaded, approval: Approval) -> list[OutboxRow]:
    """To those who may decide, at four eyes. Who confirms their own call reads of it in the answer."""
    if approval.terms.kind != FOUR_EYES:
        return []
    owner = loaded.authorised.owner
    found = approval.terms.approvers or await approvals.find_approvers(ports.pool, owner, approval.terms.organisations)
    agent, text, now = loaded.turn.message.agent_jid, _text(ports, loaded, approval), ports.clock.now()
    named = () if approval.terms.second_factor else (approval.digest[:NAME_LENGTH],)
    return [notice(owner, approval.id, agent, to, text, now, named) for to in found if to != approval.call.actor]


def _text(ports: Ports, loaded: Loaded, approval: Approval) -> str:
    found = shown(approval.call, loaded.known(ports.known_tools).get(approval.call.tool))
    return as_text(found, approval.call.actor, approval.terms, approval.expires_at, approval.digest[:NAME_LENGTH])


def _asked(ports: Ports, loaded: Loaded, approval: Approval) -> Record:
    details: dict[str, Json] = {
        "approval_id": str(approval.id),
        "agent_id": str(approval.call.agent),
        "tool": approval.call.tool,
        "digest": approval.digest,
        "kind": approval.terms.kind,
        "quorum": approval.terms.quorum,
        "rules": list(approval.terms.rules),
        "expires_at": approval.expires_at.isoformat(timespec="seconds"),
    }
    return Record(
        id=derived_id(approval.id, "approval.asked"),
        owner=loaded.authorised.owner,
        event_type="approval.asked",
        severity="info",
        details=details,
        created_at=ports.clock.now(),
        actor=approval.call.actor,
        correlation_id=loaded.turn.envelope.correlation_id,
        request_id=loaded.turn.message.turn_id,
        organisation_id=loaded.authorised.decision.organisation_id,
    )


async def note(ports: Ports, loaded: Loaded, decided: Decision) -> None:
    """The judge's word on a call, in the ledger before anything follows from it."""
    turn = loaded.turn
    authorised = loaded.authorised
    organisation = authorised.decision.organisation_id
    record = gate.decision(ports.clock, decided, authorised.owner, turn.envelope.correlation_id, organisation)
    await ledger.append(ports.pool, [record])
