"""One's own account: looking at it, password, second factor, closing it, and a token for XMPP."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Response

from aiox.commands import account_password, close_account, read_account, second_factor, xmpp_token
from aiox.commands.account_password import ChangePassword
from aiox.commands.second_factor import Removal, WithCode, WithPassword
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused
from gateway.access import TheActor, TheDoor
from gateway.errors import stop
from gateway.routes.declared import declared
from gateway.routes.sign_in_limits import admit_again
from gateway.schemas.accounts import AccountOut, RecoveryCodes, SecondFactorBegun
from gateway.schemas.common import problems
from gateway.schemas.sessions import XmppToken

router = APIRouter(prefix="/v1/account", tags=["account"])

PER_MINUTE: Final = 100
"""Requests per action and account."""
_BODY: Final = (ErrorCode.BODY_TOO_LARGE, ErrorCode.UNSUPPORTED_MEDIA_TYPE, ErrorCode.BODY_INVALID)
_AGAIN: Final = (ErrorCode.UNAUTHENTICATED, ErrorCode.PASSWORD_WRONG, *_BODY)


@router.get("", responses=problems(ErrorCode.UNAUTHENTICATED), openapi_extra=declared(Action.ACCOUNT_READ))
async def read(door: TheDoor, actor: TheActor) -> AccountOut:
    """The account of who asks."""
    await door.limit(Action.ACCOUNT_READ, str(actor.owner), PER_MINUTE)
    found = await read_account.run(door.hub, actor)
    if isinstance(found, Refused):
        raise stop(found)
    return AccountOut(
        user_id=found.owner,
        email=found.email,
        jid=found.jid,
        hub_role=found.hub_role,
        second_factor=found.second_factor,
        created_at=found.created_at,
    )


@router.put(
    "/password",
    status_code=204,
    response_class=Response,
    responses=problems(*_AGAIN),
    openapi_extra=declared(Action.PASSWORD_CHANGE),
)
async def change_password(door: TheDoor, actor: TheActor, fields: ChangePassword) -> None:
    """Another password, for the web and for XMPP; signs out everywhere else."""
    await admit_again(door, actor.owner)
    _done(await account_password.change(door.hub, actor, fields, door.people))


@router.post(
    "/second-factor",
    status_code=201,
    responses=problems(ErrorCode.CONFLICT, *_AGAIN),
    openapi_extra=declared(Action.SECOND_FACTOR_BEGIN),
)
async def begin_second_factor(door: TheDoor, actor: TheActor, fields: WithPassword) -> SecondFactorBegun:
    """A secret for an authenticator. It does not count before it is confirmed."""
    await admit_again(door, actor.owner)
    begun = await second_factor.begin(door.hub, actor, fields, door.people)
    if isinstance(begun, Refused):
        raise stop(begun)
    return SecondFactorBegun(secret=begun.secret, uri=begun.uri)


@router.post(
    "/second-factor/confirmations",
    responses=problems(ErrorCode.UNAUTHENTICATED, ErrorCode.SECOND_FACTOR_REQUIRED, ErrorCode.CONFLICT, *_BODY),
    openapi_extra=declared(Action.SECOND_FACTOR_CONFIRM),
)
async def confirm_second_factor(door: TheDoor, actor: TheActor, fields: WithCode) -> RecoveryCodes:
    """Turns it on: from now on sign-in asks for a code. Answers with the recovery codes, once."""
    await admit_again(door, actor.owner)
    codes = await second_factor.confirm(door.hub, actor, fields)
    if isinstance(codes, Refused):
        raise stop(codes)
    return RecoveryCodes(codes=list(codes))


@router.post(
    "/second-factor/removals",
    status_code=204,
    response_class=Response,
    responses=problems(ErrorCode.SECOND_FACTOR_REQUIRED, *_AGAIN),
    openapi_extra=declared(Action.SECOND_FACTOR_REMOVE),
)
async def remove_second_factor(door: TheDoor, actor: TheActor, fields: Removal) -> None:
    """Turns it off, with the password and a code or a recovery code."""
    await admit_again(door, actor.owner)
    _done(await second_factor.remove(door.hub, actor, fields, door.people))


@router.post(
    "/deactivation",
    status_code=204,
    response_class=Response,
    responses=problems(*_AGAIN),
    openapi_extra=declared(Action.ACCOUNT_DEACTIVATE),
)
async def deactivate(response: Response, door: TheDoor, actor: TheActor, fields: WithPassword) -> None:
    """Closes the account, on the web and on XMPP. Its operator can open it again."""
    await admit_again(door, actor.owner)
    door.cookies.clear(response)
    _done(await close_account.deactivate(door.hub, actor, fields, door.people))


@router.post(
    "/xmpp-tokens",
    status_code=201,
    responses=problems(ErrorCode.UNAUTHENTICATED),
    openapi_extra=declared(Action.XMPP_TOKEN_CREATE),
)
async def create_xmpp_token(door: TheDoor, actor: TheActor) -> XmppToken:
    """A password for one login over XMPP (SASL X-OAUTH2), valid for five minutes and while the session lives."""
    await door.limit(Action.XMPP_TOKEN_CREATE, str(actor.owner), PER_MINUTE)
    issued = await xmpp_token.run(door.hub, actor, door.people)
    if isinstance(issued, Refused):
        raise stop(issued)
    return XmppToken(token=issued.token, jid=issued.jid, expires_in=issued.expires_in_s)


def _done(refused: Refused | None) -> None:
    if refused is not None:
        raise stop(refused)
