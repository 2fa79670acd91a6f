"""Getting an account and getting back into it: signing up, confirming the address, a forgotten password."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request, Response

from aiox.commands import account_password, sign_up
from aiox.commands.account_password import BeginReset, CompleteReset
from aiox.commands.recording import NOBODY
from aiox.commands.sign_up import ConfirmEmail, SignUp
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused
from gateway.access import CONFIRM, NEW_PASSWORD, RESET, SIGN_UP, TheDoor
from gateway.errors import stop
from gateway.routes.declared import declared
from gateway.routes.letterboxes import admit_sign_up, limited
from gateway.routes.pace import steady
from gateway.routes.sign_in_limits import address_of
from gateway.schemas.accounts import SignedUp
from gateway.schemas.common import problems

router = APIRouter(tags=["accounts"])

PER_ADDRESS: Final = 20
"""Requests a minute from one network address, each of these."""
_BODY: Final = (ErrorCode.BODY_TOO_LARGE, ErrorCode.UNSUPPORTED_MEDIA_TYPE, ErrorCode.BODY_INVALID)


@router.post(
    SIGN_UP,
    status_code=202,
    responses=problems(ErrorCode.ACCESS_DENIED, ErrorCode.LINK_INVALID, ErrorCode.CONFLICT, *_BODY),
    openapi_extra=declared(Action.ACCOUNT_SIGN_UP),
)
async def sign_up_(request: Request, door: TheDoor, fields: SignUp) -> SignedUp:
    """Asks for an account. The answer is the same for an address that has one."""
    await door.limit(Action.ACCOUNT_SIGN_UP, f"address {address_of(request)}", PER_ADDRESS)
    await admit_sign_up(door, address_of(request))
    async with steady(door.hub.clock, door.people.rules.steady_s):
        result = await sign_up.run(door.hub, NOBODY, fields, limited(door))
        if isinstance(result, Refused):
            raise stop(result)
    return SignedUp(next=result)


@router.post(
    CONFIRM,
    status_code=204,
    response_class=Response,
    responses=problems(ErrorCode.LINK_INVALID, ErrorCode.PASSWORD_WRONG, *_BODY),
    openapi_extra=declared(Action.ACCOUNT_CONFIRM),
)
async def confirm(request: Request, door: TheDoor, fields: ConfirmEmail) -> None:
    """Confirms the address of a new account, with the link's token and the password chosen at sign-up."""
    await door.limit(Action.ACCOUNT_CONFIRM, f"address {address_of(request)}", PER_ADDRESS)
    _done(await sign_up.confirm(door.hub, NOBODY, fields, door.people))


@router.post(
    RESET,
    status_code=202,
    response_class=Response,
    responses=problems(*_BODY),
    openapi_extra=declared(Action.PASSWORD_RESET_BEGIN),
)
async def begin_reset(request: Request, door: TheDoor, fields: BeginReset) -> None:
    """Sends a link to the address, if it has an account. The answer is the same if not."""
    await door.limit(Action.PASSWORD_RESET_BEGIN, f"address {address_of(request)}", PER_ADDRESS)
    async with steady(door.hub.clock, door.people.rules.steady_s):
        _done(await account_password.begin_reset(door.hub, NOBODY, fields, limited(door)))


@router.post(
    NEW_PASSWORD,
    status_code=204,
    response_class=Response,
    responses=problems(ErrorCode.LINK_INVALID, *_BODY),
    openapi_extra=declared(Action.PASSWORD_RESET_COMPLETE),
)
async def complete_reset(request: Request, door: TheDoor, fields: CompleteReset) -> None:
    """Sets a new password with the link's token, and signs out everywhere."""
    await door.limit(Action.PASSWORD_RESET_COMPLETE, f"address {address_of(request)}", PER_ADDRESS)
    _done(await account_password.complete_reset(door.hub, NOBODY, fields, door.people))


def _done(refused: Refused | None) -> None:
    if refused is not None:
        raise stop(refused)
