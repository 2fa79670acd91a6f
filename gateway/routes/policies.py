"""Policies: of the hub for its admins, of organisations for their owners and admins; and what would happen if."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Body

from aiox.commands import policies, try_policy
from aiox.commands.policies import PolicyText, ScopeName, WhichPolicy, WhichVersion
from aiox.commands.try_policy import Question
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused
from gateway.access import TheActor, TheDoor
from gateway.errors import stop
from gateway.routes.declared import declared
from gateway.schemas.common import problems
from gateway.schemas.governance import (
    CheckedOut,
    ExplanationOut,
    FaultOut,
    PolicyVersionList,
    PolicyVersionOut,
)
from policy.cedar.level import MAX_BYTES

router = APIRouter(tags=["policies"])

PER_MINUTE: Final = 30
"""Requests per action and account: a check parses up to 64 KiB."""
Text = Annotated[str, Body(embed=True, max_length=MAX_BYTES, description="the policy, in Cedar")]
Version = Annotated[int, Body(embed=True, ge=1, le=2**31 - 1)]
_WRITING = problems(
    ErrorCode.UNAUTHENTICATED,
    ErrorCode.NOT_FOUND,
    ErrorCode.BODY_TOO_LARGE,
    ErrorCode.UNSUPPORTED_MEDIA_TYPE,
    ErrorCode.BODY_INVALID,
)


@router.get(
    "/v1/policies/{scope}",
    responses=problems(ErrorCode.UNAUTHENTICATED, ErrorCode.NOT_FOUND),
    openapi_extra=declared(Action.POLICY_READ),
)
async def show(door: TheDoor, actor: TheActor, scope: ScopeName) -> PolicyVersionList:
    """The versions of a policy: of `hub`, or of an organisation by its id."""
    await door.limit(Action.POLICY_READ, str(actor.owner), PER_MINUTE)
    result = await policies.show(door.hub, actor, WhichPolicy(scope=scope))
    if isinstance(result, Refused):
        raise stop(result)
    return PolicyVersionList(items=[PolicyVersionOut.model_validate(one) for one in result])


@router.post("/v1/policies/{scope}/check", responses=_WRITING, openapi_extra=declared(Action.POLICY_CHECK))
async def check(door: TheDoor, actor: TheActor, scope: ScopeName, text: Text) -> CheckedOut:
    """Every reason why a text could not be published. Changes nothing."""
    await door.limit(Action.POLICY_CHECK, str(actor.owner), PER_MINUTE)
    result = await policies.check(door.hub, actor, PolicyText(scope=scope, text=text))
    if isinstance(result, Refused):
        raise stop(result)
    return CheckedOut(faults=[FaultOut.model_validate(one) for one in result.faults])


@router.post(
    "/v1/policies/{scope}/versions",
    status_code=201,
    responses=_WRITING,
    openapi_extra=declared(Action.POLICY_PUBLISH),
)
async def publish(door: TheDoor, actor: TheActor, scope: ScopeName, text: Text) -> PolicyVersionOut:
    """Stores a new version, which holds in every process within 5 seconds."""
    await door.limit(Action.POLICY_PUBLISH, str(actor.owner), PER_MINUTE)
    result = await policies.publish(door.hub, actor, PolicyText(scope=scope, text=text))
    if isinstance(result, Refused):
        raise stop(result)
    return PolicyVersionOut.model_validate(result)


@router.post("/v1/policies/{scope}/rollback", responses=_WRITING, openapi_extra=declared(Action.POLICY_ROLLBACK))
async def rollback(door: TheDoor, actor: TheActor, scope: ScopeName, version: Version) -> PolicyVersionOut:
    """Makes an older version hold again."""
    await door.limit(Action.POLICY_ROLLBACK, str(actor.owner), PER_MINUTE)
    result = await policies.rollback(door.hub, actor, WhichVersion(scope=scope, version=version))
    if isinstance(result, Refused):
        raise stop(result)
    return PolicyVersionOut.model_validate(result)


@router.post("/v1/decisions/try", responses=_WRITING, openapi_extra=declared(Action.POLICY_TRY))
async def try_out(door: TheDoor, actor: TheActor, fields: Question) -> ExplanationOut:
    """What would happen if somebody asked for something of your agents. Nothing is done."""
    await door.limit(Action.POLICY_TRY, str(actor.owner), PER_MINUTE)
    result = await try_policy.run(door.hub, actor, fields)
    if isinstance(result, Refused):
        raise stop(result)
    return ExplanationOut.model_validate(result)
