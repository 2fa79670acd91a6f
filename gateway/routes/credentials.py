"""Credentials for providers: written, tested and forgotten here, and never given back."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from aiox.commands import credentials
from aiox.commands.credentials import (
    CredentialShown,
    CredentialText,
    ListCredentials,
    ProviderName,
    PutCredential,
    Scope,
    WhichCredential,
)
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused
from gateway.access import TheActor, TheDoor
from gateway.errors import stop
from gateway.routes.declared import declared
from gateway.schemas.common import problems
from gateway.schemas.credentials import CredentialList, CredentialOut
from policy.credentials import Kind

router = APIRouter(prefix="/v1/credentials", tags=["credentials"])

PER_MINUTE: Final = 30
"""Requests per action and account: putting and testing ask a provider each time."""
_ONE: Final = (ErrorCode.UNAUTHENTICATED, ErrorCode.ACCESS_DENIED, ErrorCode.NOT_FOUND, ErrorCode.BODY_INVALID)


@router.get(
    "",
    responses=problems(ErrorCode.UNAUTHENTICATED, ErrorCode.ACCESS_DENIED, ErrorCode.NOT_FOUND, ErrorCode.BODY_INVALID),
    openapi_extra=declared(Action.CREDENTIAL_LIST),
)
async def list_all(door: TheDoor, actor: TheActor, scope: Scope = "own") -> CredentialList:
    """Your own, and those that your organisations and the hub have for you.

    With an organisation's id as scope that one's alone, for its members; with scope hub the hub's, for its admins.
    """
    await door.limit(Action.CREDENTIAL_LIST, str(actor.owner), PER_MINUTE)
    result = await credentials.list_all(door.hub, actor, ListCredentials(scope=scope))
    if isinstance(result, Refused):
        raise stop(result)
    return CredentialList(items=[CredentialOut.model_validate(one) for one in result])


@router.put(
    "/{kind}/{provider}",
    responses=problems(
        *_ONE,
        ErrorCode.CONFLICT,
        ErrorCode.PROVIDER_NOT_ALLOWED,
        ErrorCode.BODY_TOO_LARGE,
        ErrorCode.UNSUPPORTED_MEDIA_TYPE,
    ),
    openapi_extra=declared(Action.CREDENTIAL_PUT),
)
async def put(
    door: TheDoor, actor: TheActor, kind: Kind, provider: ProviderName, said: CredentialText, scope: Scope = "own"
) -> CredentialOut:
    """Tests a key and stores it, in place of the one before. The answer says what the test found.

    With an organisation's id as scope its owners and admins store one for all its members.
    """
    await door.limit(Action.CREDENTIAL_PUT, str(actor.owner), PER_MINUTE)
    fields = PutCredential(
        kind=kind, provider=provider, scope=scope, mode=said.mode, api_base=said.api_base, secret=said.secret
    )
    return _shown(await credentials.put(door.hub, actor, fields))


@router.post("/{kind}/{provider}/test", responses=problems(*_ONE), openapi_extra=declared(Action.CREDENTIAL_TEST))
async def ask_again(
    door: TheDoor, actor: TheActor, kind: Kind, provider: ProviderName, scope: Scope = "own"
) -> CredentialOut:
    """Asks the provider again whether it takes the stored key."""
    await door.limit(Action.CREDENTIAL_TEST, str(actor.owner), PER_MINUTE)
    return _shown(await credentials.test(door.hub, actor, WhichCredential(kind=kind, provider=provider, scope=scope)))


@router.delete("/{kind}/{provider}", responses=problems(*_ONE), openapi_extra=declared(Action.CREDENTIAL_DELETE))
async def delete(
    door: TheDoor, actor: TheActor, kind: Kind, provider: ProviderName, scope: Scope = "own"
) -> CredentialOut:
    """Forgets it; from then on what the next level says holds."""
    await door.limit(Action.CREDENTIAL_DELETE, str(actor.owner), PER_MINUTE)
    return _shown(await credentials.delete(door.hub, actor, WhichCredential(kind=kind, provider=provider, scope=scope)))


def _shown(result: CredentialShown | Refused) -> CredentialOut:
    if isinstance(result, Refused):
        raise stop(result)
    return CredentialOut.model_validate(result)
