"""The credential that a tool call is granted, looked up when the call is allowed (SPEC 5)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiox.kernel.agent import McpServer
from aiox.kernel.ids import HUB_OWNER, OwnerId
from aiox.runtime.keyring import CannotOpen, KeyRing
from aiox.runtime.postgres import Pool
from aiox.wire.v1 import worker_pb2 as pb
from policy.credentials import Kind, Level, Why, choose
from registry import credentials
from registry.credentials import Binding

_WHY = {
    Why.MISSING: "This tool needs a credential of kind {kind}. Its owner stores one with 'aiox credential put'.",
    Why.DISABLED: "The owner has switched off what this tool needs (credentials of kind {kind}).",
    Why.REFUSED: "The credential of kind {kind} is known to be refused. Its owner puts a new one.",
}
_ELSEWHERE = (
    "The credential {name} is not for this MCP server: its api_base names another. Whoever gave it puts it again with"
    " the server's address."
)


class NoCredential(Exception):
    """The tool cannot run. The text says what is missing, for the model and its person."""


RingOf = Callable[[OwnerId], Awaitable[KeyRing]]


async def credential_for(pool: Pool, ring_of: RingOf, owner: OwnerId, kind: Kind, name: str = "") -> pb.Credential:
    """The nearest credential of this kind, and of this name where one is given. Raises NoCredential, and what the store
    raises.
    """
    return await _granted(await _nearest(pool, owner, kind, name), ring_of)


async def mcp_credential(pool: Pool, ring_of: RingOf, owner: OwnerId, server: McpServer) -> pb.Credential:
    """The credential that an MCP server is asked with. Raises as above.

    An agent's owner chooses the server: one that is not their own credential goes only where its giver said.
    """
    binding = await _nearest(pool, owner, Kind.MCP, server.credential)
    if binding.api_base or binding.level is not Level.OWNER:
        given, asked = urlsplit(binding.api_base), urlsplit(server.url)
        if (given.scheme, given.netloc.lower()) != (asked.scheme, asked.netloc.lower()):
            raise NoCredential(_ELSEWHERE.format(name=server.credential))
    return await _granted(binding, ring_of)


async def _nearest(pool: Pool, owner: OwnerId, kind: Kind, name: str) -> Binding:
    levels = (owner, *await credentials.organisations_of(pool, owner), HUB_OWNER)
    found = [one for of in levels for one in await credentials.list_of(pool, of) if one.kind is kind]
    found = [one for one in found if not name or one.provider == name]
    chosen = choose([one.said for one in found])
    if isinstance(chosen, Why):
        raise NoCredential(_WHY[chosen].format(kind=f"{kind} {name}".strip()))
    return next(one for one in found if one.said == chosen)


async def _granted(binding: Binding, ring_of: RingOf) -> pb.Credential:
    return pb.Credential(provider=binding.provider, api_base=binding.api_base, api_key=await _open(binding, ring_of))


async def _open(binding: Binding, ring_of: RingOf) -> str:
    try:
        return binding.open(await ring_of(binding.owner))
    except CannotOpen:
        raise NoCredential("The stored credential of this tool is damaged. Its owner puts it again.") from None
