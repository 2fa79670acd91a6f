"""The approver's inbox: what waits for the signed-in person, and their yes or no."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Body

from aiox.commands import approvals
from aiox.commands.approvals import Decide, WhichApproval
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused
from gateway.access import TheActor, TheDoor
from gateway.errors import stop
from gateway.routes.declared import declared
from gateway.schemas.common import problems
from gateway.schemas.governance import ApprovalList, ApprovalOut

router = APIRouter(prefix="/v1/approvals", tags=["approvals"])

PER_MINUTE: Final = 100
"""Requests per action and account."""
Digest = Annotated[str, Body(embed=True, pattern=r"^[0-9a-f]{64}$", description="digest of the call that was shown")]
_DECIDING = problems(
    ErrorCode.UNAUTHENTICATED,
    ErrorCode.ACCESS_DENIED,
    ErrorCode.NOT_FOUND,
    ErrorCode.CONFLICT,
    ErrorCode.BODY_TOO_LARGE,
    ErrorCode.UNSUPPORTED_MEDIA_TYPE,
    ErrorCode.BODY_INVALID,
)


@router.get("", responses=problems(ErrorCode.UNAUTHENTICATED), openapi_extra=declared(Action.APPROVAL_LIST))
async def list_open(door: TheDoor, actor: TheActor) -> ApprovalList:
    """What waits for you, and what you asked for that waits for others."""
    await door.limit(Action.APPROVAL_LIST, str(actor.owner), PER_MINUTE)
    result = await approvals.list_open(door.hub, actor)
    if isinstance(result, Refused):
        raise stop(result)
    return ApprovalList(items=[ApprovalOut.model_validate(one) for one in result])


@router.get(
    "/{approval_id}",
    responses=problems(ErrorCode.UNAUTHENTICATED, ErrorCode.NOT_FOUND),
    openapi_extra=declared(Action.APPROVAL_READ),
)
async def read(door: TheDoor, actor: TheActor, approval_id: UUID) -> ApprovalOut:
    """One of them, with all that the call would do."""
    await door.limit(Action.APPROVAL_READ, str(actor.owner), PER_MINUTE)
    result = await approvals.read(door.hub, actor, WhichApproval(approval_id=approval_id))
    if isinstance(result, Refused):
        raise stop(result)
    return ApprovalOut.model_validate(result)


@router.post("/{approval_id}/approve", responses=_DECIDING, openapi_extra=declared(Action.APPROVAL_APPROVE))
async def approve(door: TheDoor, actor: TheActor, approval_id: UUID, digest: Digest) -> ApprovalOut:
    """Says yes to the call with this digest. Once enough people have, it runs, once, within 15 minutes."""
    await door.limit(Action.APPROVAL_APPROVE, str(actor.owner), PER_MINUTE)
    return await _decide(door, actor, Decide(approval_id=approval_id, approves=True, digest=digest))


@router.post("/{approval_id}/deny", responses=_DECIDING, openapi_extra=declared(Action.APPROVAL_DENY))
async def deny(door: TheDoor, actor: TheActor, approval_id: UUID, digest: Digest) -> ApprovalOut:
    """Says no, which ends it. Who asked for the call may take it back in this way."""
    await door.limit(Action.APPROVAL_DENY, str(actor.owner), PER_MINUTE)
    return await _decide(door, actor, Decide(approval_id=approval_id, approves=False, digest=digest))


async def _decide(door: TheDoor, actor: TheActor, fields: Decide) -> ApprovalOut:
    result = await approvals.decide(door.hub, actor, fields, door.resubmit)
    if isinstance(result, Refused):
        raise stop(result)
    return ApprovalOut.model_validate(result)
