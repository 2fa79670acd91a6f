"""Signing in, staying signed in, signing out; and the list of where one is signed in."""

from __future__ import annotations

from typing import Final
from uuid import UUID, uuid4

from fastapi import APIRouter, Request, Response
from pydantic import SecretStr

from aiox.commands import create_session, end_sessions, refresh_session
from aiox.commands.create_session import NOBODY, CreateSession, SignedIn, Whence
from aiox.commands.end_sessions import WhichSession
from aiox.commands.refresh_session import RefreshSession
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused
from gateway.access import REFRESH, SIGN_IN, Door, TheActor, TheDoor
from gateway.auth import LIFETIME_S, Access
from gateway.errors import stop
from gateway.routes.declared import declared
from gateway.routes.sign_in_limits import PER_ADDRESS, address_of, admit
from gateway.schemas.common import problems
from gateway.schemas.sessions import Session, SessionInList, SessionList

router = APIRouter(tags=["sessions"])

PER_MINUTE: Final = 100
"""Requests per action and account."""
_CLIENT: Final = 200
_BODY: Final = (ErrorCode.BODY_TOO_LARGE, ErrorCode.UNSUPPORTED_MEDIA_TYPE, ErrorCode.BODY_INVALID)


@router.post(
    SIGN_IN,
    status_code=201,
    responses=problems(
        ErrorCode.UNAUTHENTICATED, ErrorCode.SECOND_FACTOR_REQUIRED, ErrorCode.EMAIL_UNCONFIRMED, *_BODY
    ),
    openapi_extra=declared(Action.SESSION_CREATE),
)
async def sign_in(request: Request, response: Response, door: TheDoor, fields: CreateSession) -> Session:
    """Signs in with e-mail and password, and a code where the account has a second factor."""
    address = address_of(request)
    await admit(door, Action.SESSION_CREATE, fields.email, address)
    whence = Whence(request.headers.get("user-agent", "")[:_CLIENT], address)
    result = await create_session.run(door.hub, NOBODY, fields, whence, door.people)
    if isinstance(result, Refused):
        raise stop(result)
    return _session(door, response, result, in_cookie=fields.keep == "cookie")


@router.post(
    REFRESH,
    responses=problems(ErrorCode.INVALID_TOKEN, *_BODY),
    openapi_extra=declared(Action.SESSION_REFRESH),
)
async def refresh(request: Request, response: Response, door: TheDoor, fields: RefreshSession) -> Session:
    """A new access token for a refresh token, which is used up and replaced. From the body, else from the cookie."""
    await door.limit(Action.SESSION_REFRESH, f"address {address_of(request)}", PER_ADDRESS)
    in_cookie = not fields.refresh_token.get_secret_value()
    if in_cookie:
        fields = RefreshSession(refresh_token=SecretStr(door.cookies.read(request)))
    result = await refresh_session.run(door.hub, NOBODY, fields, door.people)
    if isinstance(result, Refused):
        raise stop(result)
    return _session(door, response, result, in_cookie=in_cookie)


@router.get(
    "/v1/sessions",
    responses=problems(ErrorCode.UNAUTHENTICATED),
    openapi_extra=declared(Action.SESSION_LIST),
)
async def list_mine(door: TheDoor, actor: TheActor) -> SessionList:
    """Where the account is signed in."""
    await door.limit(Action.SESSION_LIST, str(actor.owner), PER_MINUTE)
    result = await end_sessions.list_mine(door.hub, actor, door.people)
    if isinstance(result, Refused):
        raise stop(result)
    return SessionList(
        items=[
            SessionInList(
                id=one.id,
                client=one.client,
                address=one.address,
                created_at=one.created_at,
                last_used_at=one.last_used_at,
                expires_at=one.expires_at,
                current=one.id == actor.session,
            )
            for one in result
        ]
    )


@router.delete(
    "/v1/sessions/current",
    status_code=204,
    responses=problems(ErrorCode.UNAUTHENTICATED),
    openapi_extra=declared(Action.SESSION_SIGN_OUT),
)
async def sign_out(response: Response, door: TheDoor, actor: TheActor) -> None:
    """Signs out: ends the session that asks, and takes its cookies away."""
    await door.limit(Action.SESSION_SIGN_OUT, str(actor.owner), PER_MINUTE)
    door.cookies.clear(response)
    _done(await end_sessions.sign_out(door.hub, actor, door.people))


@router.delete(
    "/v1/sessions/{session_id}",
    status_code=204,
    responses=problems(ErrorCode.UNAUTHENTICATED, ErrorCode.NOT_FOUND),
    openapi_extra=declared(Action.SESSION_END),
)
async def end_one(door: TheDoor, actor: TheActor, session_id: UUID) -> None:
    """Ends one session: its tokens are refused from the next request on."""
    await door.limit(Action.SESSION_END, str(actor.owner), PER_MINUTE)
    _done(await end_sessions.end_one(door.hub, actor, WhichSession(session_id=session_id), door.people))


@router.delete(
    "/v1/sessions",
    status_code=204,
    responses=problems(ErrorCode.UNAUTHENTICATED),
    openapi_extra=declared(Action.SESSION_END_ALL),
)
async def end_all(response: Response, door: TheDoor, actor: TheActor) -> None:
    """Ends all sessions, the one that asks too."""
    await door.limit(Action.SESSION_END_ALL, str(actor.owner), PER_MINUTE)
    door.cookies.clear(response)
    _done(await end_sessions.end_all(door.hub, actor, door.people))


def _session(door: Door, response: Response, signed_in: SignedIn, *, in_cookie: bool) -> Session:
    now = int(door.hub.clock.now().timestamp())
    token = door.tokens.mint(Access(signed_in.owner, signed_in.session), str(uuid4()), now)
    seconds = int(door.people.rules.session_idle.total_seconds())
    if in_cookie:
        door.cookies.write(response, signed_in.refresh_token, seconds)
    return Session(
        access_token=token,
        expires_in=LIFETIME_S,
        refresh_token="" if in_cookie else signed_in.refresh_token,
        refresh_expires_in=seconds,
        session_id=signed_in.session,
        jid=signed_in.jid,
        user_id=signed_in.owner,
    )


def _done(refused: Refused | None) -> None:
    if refused is not None:
        raise stop(refused)
