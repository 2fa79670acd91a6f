"""Signing in."""

from __future__ import annotations

from typing import Final
from uuid import uuid4

from fastapi import APIRouter, Request

from aiox.commands import create_session
from aiox.commands.create_session import NOBODY, CreateSession
from aiox.commands.hub import Actor
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused
from gateway.access import SIGN_IN, TheDoor
from gateway.auth import LIFETIME_S
from gateway.errors import stop
from gateway.routes.declared import declared
from gateway.schemas.common import problems
from gateway.schemas.sessions import Session

router = APIRouter(tags=["sessions"])

TRIES_PER_ACCOUNT: Final = 10
TRIES_PER_ADDRESS: Final = 120
"""Attempts a minute."""


@router.post(
    SIGN_IN,
    status_code=201,
    responses=problems(
        ErrorCode.UNAUTHENTICATED,
        ErrorCode.BODY_TOO_LARGE,
        ErrorCode.UNSUPPORTED_MEDIA_TYPE,
        ErrorCode.BODY_INVALID,
    ),
    openapi_extra=declared(create_session.ACTION),
)
async def sign_in(request: Request, door: TheDoor, fields: CreateSession) -> Session:
    """Signs in with e-mail and password. The token is valid for 15 minutes."""
    address = request.client.host if request.client else ""
    await door.limit(create_session.ACTION, f"address {address}", TRIES_PER_ADDRESS)
    await door.limit(create_session.ACTION, f"account {fields.email}", TRIES_PER_ACCOUNT)
    result = await create_session.run(door.hub, NOBODY, fields, door.passwords)
    if isinstance(result, Refused):
        raise stop(result)
    now = int(door.hub.clock.now().timestamp())
    token = door.tokens.mint(Actor(result.owner, result.jid), str(uuid4()), now)
    return Session(access_token=token, expires_in=LIFETIME_S, jid=result.jid, user_id=result.owner)
