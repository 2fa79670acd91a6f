"""Other servers: what each may do here, and those that have asked to be introduced. For the hub's admins."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Response

from aiox.commands import peers
from aiox.commands.fields import Form, read
from aiox.commands.peers import AcceptIntroduction, AllowPeer, Change, PutPeer, Switches, WhichIntroduction, WhichPeer
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused
from gateway.access import TheActor, TheDoor
from gateway.errors import stop
from gateway.routes.declared import declared
from gateway.schemas.common import problems
from gateway.schemas.peers import IntroductionList, IntroductionOut, PeerList, PeerOut

router = APIRouter(tags=["peers"])

PER_MINUTE: Final = 60
"""Requests per action and account."""
_ALL: Final = "/v1/peers"
_ONE: Final = _ALL + "/{name}"
_INTRODUCTIONS: Final = "/v1/introductions"
_INTRODUCTION: Final = _INTRODUCTIONS + "/{domain}"
_RULED: Final = (ErrorCode.UNAUTHENTICATED, ErrorCode.ACCESS_DENIED)
_NAMED: Final = (*_RULED, ErrorCode.NOT_FOUND, ErrorCode.BODY_INVALID)
_WRITING: Final = (*_NAMED, ErrorCode.BODY_TOO_LARGE, ErrorCode.UNSUPPORTED_MEDIA_TYPE, ErrorCode.CONFLICT)


@router.get(_ALL, responses=problems(*_RULED), openapi_extra=declared(Action.PEER_LIST))
async def list_all(door: TheDoor, actor: TheActor) -> PeerList:
    """All peers. For hub admins and auditors."""
    await door.limit(Action.PEER_LIST, str(actor.owner), PER_MINUTE)
    found = await peers.list_all(door.hub, actor)
    if isinstance(found, Refused):
        raise stop(found)
    return PeerList(items=[PeerOut.model_validate(one) for one in found])


@router.get(_ONE, responses=problems(*_NAMED), openapi_extra=declared(Action.PEER_READ))
async def show(door: TheDoor, actor: TheActor, name: str) -> PeerOut:
    """One peer, by its domain or a bare JID. For hub admins and auditors."""
    await door.limit(Action.PEER_READ, str(actor.owner), PER_MINUTE)
    return _out(await peers.show(door.hub, actor, _fields(WhichPeer, name=name)))


@router.put(_ONE, responses=problems(*_WRITING), openapi_extra=declared(Action.PEER_PUT))
async def put(door: TheDoor, actor: TheActor, name: str, fields: Switches) -> PeerOut:
    """Adds a peer, or writes its entry anew: what is left out is off. For hub admins."""
    await door.limit(Action.PEER_PUT, str(actor.owner), PER_MINUTE)
    return _out(await peers.put(door.hub, actor, _fields(PutPeer, name=name, **fields.model_dump())))


@router.patch(_ONE, responses=problems(*_WRITING), openapi_extra=declared(Action.PEER_ALLOW))
async def allow(door: TheDoor, actor: TheActor, name: str, fields: Change) -> PeerOut:
    """Changes some switches of a peer, and lifts a block or a freeze. For hub admins."""
    await door.limit(Action.PEER_ALLOW, str(actor.owner), PER_MINUTE)
    return _out(await peers.allow(door.hub, actor, _fields(AllowPeer, name=name, **fields.model_dump())))


@router.post(
    _ONE + "/block", responses=problems(*_NAMED, ErrorCode.CONFLICT), openapi_extra=declared(Action.PEER_BLOCK)
)
async def block(door: TheDoor, actor: TheActor, name: str) -> PeerOut:
    """Takes and answers nothing of this peer any more. For hub admins."""
    await door.limit(Action.PEER_BLOCK, str(actor.owner), PER_MINUTE)
    return _out(await peers.block(door.hub, actor, _fields(WhichPeer, name=name)))


@router.delete(
    _ONE,
    status_code=204,
    response_class=Response,
    responses=problems(*_NAMED),
    openapi_extra=declared(Action.PEER_REMOVE),
)
async def remove(door: TheDoor, actor: TheActor, name: str) -> None:
    """Makes strangers of a peer's people again. For hub admins."""
    await door.limit(Action.PEER_REMOVE, str(actor.owner), PER_MINUTE)
    no = await peers.remove(door.hub, actor, _fields(WhichPeer, name=name))
    if no is not None:
        raise stop(no)


@router.get(_INTRODUCTIONS, responses=problems(*_RULED), openapi_extra=declared(Action.INTRODUCTION_LIST))
async def introductions(door: TheDoor, actor: TheActor) -> IntroductionList:
    """The domains that have asked to be introduced, the oldest first. For hub admins and auditors."""
    await door.limit(Action.INTRODUCTION_LIST, str(actor.owner), PER_MINUTE)
    found = await peers.introductions(door.hub, actor)
    if isinstance(found, Refused):
        raise stop(found)
    return IntroductionList(items=[IntroductionOut.model_validate(one) for one in found])


@router.post(
    _INTRODUCTION + "/accept", responses=problems(*_WRITING), openapi_extra=declared(Action.INTRODUCTION_ACCEPT)
)
async def accept(door: TheDoor, actor: TheActor, domain: str, fields: Switches) -> PeerOut:
    """Makes a peer of who has asked; what is left out is off. For hub admins."""
    await door.limit(Action.INTRODUCTION_ACCEPT, str(actor.owner), PER_MINUTE)
    return _out(await peers.accept(door.hub, actor, _fields(AcceptIntroduction, domain=domain, **fields.model_dump())))


@router.delete(
    _INTRODUCTION,
    status_code=204,
    response_class=Response,
    responses=problems(*_NAMED),
    openapi_extra=declared(Action.INTRODUCTION_DECLINE),
)
async def decline(door: TheDoor, actor: TheActor, domain: str) -> None:
    """Forgets a request; the domain may ask again. For hub admins."""
    await door.limit(Action.INTRODUCTION_DECLINE, str(actor.owner), PER_MINUTE)
    no = await peers.decline(door.hub, actor, _fields(WhichIntroduction, domain=domain))
    if no is not None:
        raise stop(no)


def _fields(form: type[Form], **given: Any) -> Form:
    fields = read(form, given)
    if isinstance(fields, Refused):
        raise stop(fields)
    return fields


def _out(found: peers.PeerShown | Refused) -> PeerOut:
    if isinstance(found, Refused):
        raise stop(found)
    return PeerOut.model_validate(found)
