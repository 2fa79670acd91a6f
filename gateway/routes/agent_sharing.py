"""Who else may talk to an agent, its short address, its image, and its way back from deletion."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Header, Path, Response

from aiox.commands import agent_avatar, retire_agent, share_agent
from aiox.commands.agent_fields import Grantee
from aiox.commands.edit_agent import WhichAgent
from aiox.commands.retire_agent import Retired
from aiox.commands.share_agent import AliasAgent, GivenAlias, GivenGrant, GrantAgent, Shared
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from gateway.access import TheActor, TheDoor
from gateway.errors import stop
from gateway.etags import IfMatch, etag
from gateway.revisions import agent_etag, means
from gateway.routes.agent_versions import Confirmed
from gateway.routes.agents import CHANGES, PER_MINUTE
from gateway.routes.declared import declared
from gateway.schemas.agents import AliasOut, RetiredOut, SharedOut
from gateway.schemas.common import problems

router = APIRouter(prefix="/v1/agents/{agent_id}", tags=["agents"])

_IMAGE: Final = {"schema": {"type": "string", "format": "binary"}}
_IMAGES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The image", "content": {f"image/{kind}": _IMAGE for kind in ("png", "jpeg", "webp")}},
    304: {"description": "The image is the one of If-None-Match"},
}


@router.post("/grants", responses=CHANGES, openapi_extra=declared(Action.AGENT_GRANT))
async def grant(
    door: TheDoor, actor: TheActor, agent_id: UUID, fields: GivenGrant, response: Response, if_match: IfMatch = None
) -> SharedOut:
    """Shares the agent with a bare JID or a domain, at once; it counts while the agent's visibility is `shared`."""
    await door.limit(share_agent.GRANT, str(actor.owner), PER_MINUTE)
    which = AgentId(agent_id)
    asked = GrantAgent(agent_id=which, grantee=fields.grantee)
    return _shared(await share_agent.grant(door.hub, actor, asked, means(if_match, which)), which, response)


@router.delete("/grants/{grantee}", responses=CHANGES, openapi_extra=declared(Action.AGENT_REVOKE))
async def revoke(
    door: TheDoor,
    actor: TheActor,
    agent_id: UUID,
    grantee: Annotated[Grantee, Path()],
    response: Response,
    if_match: IfMatch = None,
) -> SharedOut:
    """Takes a grant back: the next message is refused."""
    await door.limit(share_agent.REVOKE, str(actor.owner), PER_MINUTE)
    which = AgentId(agent_id)
    asked = GrantAgent(agent_id=which, grantee=grantee)
    return _shared(await share_agent.revoke(door.hub, actor, asked, means(if_match, which)), which, response)


@router.put("/alias", responses=CHANGES, openapi_extra=declared(Action.AGENT_ALIAS))
async def set_alias(
    door: TheDoor, actor: TheActor, agent_id: UUID, fields: GivenAlias, response: Response, if_match: IfMatch = None
) -> AliasOut:
    """Gives the agent a short address, `<alias>@agents.<domain>`, beside its own; empty takes it away."""
    await door.limit(share_agent.ALIAS, str(actor.owner), PER_MINUTE)
    which = AgentId(agent_id)
    asked = AliasAgent(agent_id=which, alias=fields.alias)
    result = await share_agent.set_alias(door.hub, actor, asked, means(if_match, which))
    if isinstance(result, Refused):
        raise stop(result)
    response.headers["ETag"] = agent_etag(which, result.revision)
    jid = f"{result.alias}@agents.{door.hub.domain}" if result.alias else ""
    return AliasOut(alias=result.alias, jid=jid, revision=result.revision)


@router.get(
    "/avatar",
    response_class=Response,
    responses={**problems(ErrorCode.UNAUTHENTICATED, ErrorCode.NOT_FOUND), **_IMAGES},
    openapi_extra=declared(Action.AVATAR_READ),
)
async def read_avatar(
    door: TheDoor,
    actor: TheActor,
    agent_id: UUID,
    if_none_match: Annotated[str | None, Header(max_length=1000)] = None,
) -> Response:
    """The image that the active version shows."""
    await door.limit(agent_avatar.ACTION, str(actor.owner), PER_MINUTE)
    image = await agent_avatar.run(door.hub, actor, WhichAgent(agent_id=AgentId(agent_id)))
    if isinstance(image, Refused):
        raise stop(image)
    headers = {"ETag": etag(image.ref)}
    if if_none_match is not None and headers["ETag"] in [one.strip() for one in if_none_match.split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(image.data, media_type=image.media_type, headers=headers)


@router.post("/restore", responses=CHANGES, openapi_extra=declared(Action.AGENT_RESTORE))
async def restore(door: TheDoor, actor: TheActor, agent_id: UUID, _confirmed: Confirmed) -> RetiredOut:
    """Brings a deleted agent back as it was."""
    await door.limit(retire_agent.RESTORE, str(actor.owner), PER_MINUTE)
    return _retired(await retire_agent.restore(door.hub, actor, WhichAgent(agent_id=AgentId(agent_id))))


@router.post("/purge", responses=CHANGES, openapi_extra=declared(Action.AGENT_PURGE))
async def purge(door: TheDoor, actor: TheActor, agent_id: UUID, _confirmed: Confirmed) -> RetiredOut:
    """Has a deleted agent purged within minutes, with its memories, documents and files. There is no way back."""
    await door.limit(retire_agent.PURGE, str(actor.owner), PER_MINUTE)
    return _retired(await retire_agent.purge(door.hub, actor, WhichAgent(agent_id=AgentId(agent_id))))


def _shared(result: Shared | Refused, which: AgentId, response: Response) -> SharedOut:
    if isinstance(result, Refused):
        raise stop(result)
    response.headers["ETag"] = agent_etag(which, result.revision)
    return SharedOut.model_validate(result)


def _retired(result: Retired | Refused) -> RetiredOut:
    if isinstance(result, Refused):
        raise stop(result)
    return RetiredOut.model_validate(result)
