"""The credential that a tool call is granted, looked up when the call is allowed (SPEC 5)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiox.kernel.ids import HUB_OWNER, OwnerId
from aiox.runtime.keyring import CannotOpen, KeyRing
from aiox.runtime.postgres import Pool
from aiox.wire.v1 import worker_pb2 as pb
from policy.credentials import Kind, Why, choose
from registry import credentials
from registry.credentials import Binding

_WHY = {
    Why.MISSING: "This tool needs a credential of kind {kind}. Its owner stores one with 'aiox credential put'.",
    Why.DISABLED: "The owner has switched off what this tool needs (credentials of kind {kind}).",
    Why.REFUSED: "The credential of kind {kind} is known to be refused. Its owner puts a new one.",
}


class NoCredential(Exception):
    """The tool cannot run. The text says what is missing, for the model and its person."""


async def credential_for(
    pool: Pool, ring_of: Callable[[OwnerId], Awaitable[KeyRing]], owner: OwnerId, kind: Kind
) -> pb.Credential:
    """The nearest credential of this kind. Raises NoCredential, and what the store raises."""
    levels = (owner, *await credentials.organisations_of(pool, owner), HUB_OWNER)
    found = [one for of in levels for one in await credentials.list_of(pool, of) if one.kind is kind]
    chosen = choose([one.said for one in found])
    if isinstance(chosen, Why):
        raise NoCredential(_WHY[chosen].format(kind=kind))
    binding = next(one for one in found if one.said == chosen)
    return pb.Credential(provider=binding.provider, api_base=binding.api_base, api_key=await _open(binding, ring_of))


async def _open(binding: Binding, ring_of: Callable[[OwnerId], Awaitable[KeyRing]]) -> str:
    try:
        return binding.open(await ring_of(binding.owner))
    except CannotOpen:
        raise NoCredential("The stored credential of this tool is damaged. Its owner puts it again.") from None
