"""Which credential a tool call is granted: the owner's before the hub's, of the kind that the tool needs."""

from __future__ import annotations

from functools import partial
from uuid import uuid4

import pytest

from aiox.kernel.ids import HUB_OWNER, OwnerId
from orchestrator.tool_credentials import NoCredential, credential_for
from policy.credentials import Kind, Level, Mode, Status
from registry import credentials, tenants
from registry.credentials import NewBinding
from tests.stores import NOW, Stores


async def put(
    stores: Stores, owner: OwnerId, mode: Mode = Mode.CUSTOM, secret: str = "", kind: Kind = Kind.SMTP
) -> None:
    level = Level.HUB if owner == HUB_OWNER else Level.OWNER
    new = NewBinding(uuid4(), owner, level, kind, "mail", mode, "", secret, Status.UNTESTED, "", None, NOW)
    await credentials.put(stores.pools["gateway"], stores.keys, new)


async def found(stores: Stores, owner: OwnerId, kind: Kind = Kind.SMTP) -> str:
    pool = stores.pools["orchestrator"]
    return (await credential_for(pool, partial(tenants.load_ring, pool, stores.keys), owner, kind)).api_key


async def test_the_nearest_one_of_its_kind_and_no_other(stores: Stores) -> None:
    owner = (await stores.account()).owner
    with pytest.raises(NoCredential, match="kind database"):
        await found(stores, owner, Kind.DATABASE)
    await put(stores, owner, secret="own", kind=Kind.DATABASE)
    assert await found(stores, owner, Kind.DATABASE) == "own"
    stranger = (await stores.account()).owner
    with pytest.raises(NoCredential):
        await found(stores, stranger, Kind.DATABASE)


async def test_who_switched_it_off_has_none(stores: Stores) -> None:
    owner = (await stores.account()).owner
    await put(stores, owner, secret="own")
    assert await found(stores, owner) == "own"
    await put(stores, owner, Mode.DISABLED, "")
    with pytest.raises(NoCredential, match="switched off"):
        await found(stores, owner)
