"""The ledger's row of a tool call, at its beginning and at its end."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from aiox.kernel.canonical import Json
from aiox.kernel.ids import AgentId, OwnerId, TurnId, derived_id
from orchestrator.ports import Ports
from orchestrator.proofs import Loaded, Turn
from policy.ledger import Record
from registry.tool_calls import CallState, LeftCall, StoredCall


def call_record(ports: Ports, loaded: Loaded, call: StoredCall, details: Mapping[str, Json]) -> Record:
    """Of a call of this turn."""
    authorised, turn = loaded.authorised, loaded.turn.message.turn_id
    organisation = authorised.decision.organisation_id
    return _record(ports, loaded.turn, call, authorised.owner, loaded.version.agent_id, turn, organisation, details)


def left_record(ports: Ports, turn: Turn, left: LeftCall, organisation: UUID | None) -> Record:
    """Of a call that an agent made which was asked in this turn, and that nobody will end any more."""
    call = StoredCall(left.id, left.tool, CallState.UNKNOWN)
    return _record(ports, turn, call, left.owner, left.agent, left.turn, organisation, {})


def _record(
    ports: Ports,
    turn: Turn,
    call: StoredCall,
    owner: OwnerId,
    agent: AgentId,
    of: TurnId,
    organisation: UUID | None,
    details: Mapping[str, Json],
) -> Record:
    event = "tool.started" if call.state is CallState.STARTED else "tool.done"
    return Record(
        id=derived_id(call.id, event),
        owner=owner,
        event_type=event,
        severity="info" if call.state in (CallState.STARTED, CallState.DONE) else "warning",
        details={
            "call_id": str(call.id),
            "turn_id": str(of),
            "agent_id": str(agent),
            "tool": call.tool,
            "state": str(call.state),
            **details,
        },
        created_at=ports.clock.now(),
        actor=turn.message.sender,
        correlation_id=turn.envelope.correlation_id,
        request_id=of,
        organisation_id=organisation,
    )
