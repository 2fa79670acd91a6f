"""Credentials of an organisation: its owners and admins set them, the agents of its members use them, no others do."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from uuid import UUID, uuid4

import pytest
import structlog

from aiox.commands import credentials
from aiox.commands.credentials import CredentialShown, ListCredentials, PutCredential, WhichCredential
from aiox.commands.hub import Actor, Hub, ProviderDesk
from aiox.kernel.account import OrgRole
from aiox.kernel.agent import LlmConfig
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import OwnerId
from aiox.kernel.outcome import Refused
from aiox.runtime.provider_check import Checked
from aiox.runtime.settings import Model, Providers
from orchestrator.credentials import Credentials, Granted, Retests
from policy.credentials import Kind, Level, Status
from registry import credentials as stored
from registry import organisations, tenants
from tests.stores import NOW, Stores

KEY, OWN = "sk-organisation-0123456789", "sk-own-0123456789abcdef"
WANTED = LlmConfig(provider="openai")


async def good(provider: str, api_base: str, key: str) -> Checked:
    return Checked("valid")


@pytest.fixture
def hub(stores: Stores) -> Hub:
    return replace(stores.hub, providers=ProviderDesk(good))


async def founded(stores: Stores, *members: tuple[Actor, OrgRole]) -> tuple[Actor, UUID]:
    """An organisation, its first owner, and members in these roles."""
    founder, organisation = await stores.account(), uuid4()
    await organisations.found(stores.pools["gateway"], founder.owner, organisation, "House", NOW)
    for actor, role in members:
        await join(stores, organisation, actor, role)
    return founder, organisation


async def join(stores: Stores, organisation: UUID, actor: Actor, role: OrgRole) -> None:
    async with stores.superuser() as root:
        await root.execute(
            "INSERT INTO memberships (organisation_id, user_id, role, created_at)"
            " VALUES ($1, $2, $3, clock_timestamp())",
            organisation,
            actor.owner,
            role,
        )


def fields(scope: UUID | str, mode: str = "custom", secret: str | None = KEY) -> PutCredential:
    given = {"kind": "llm", "provider": "openai", "mode": mode, "scope": scope, "secret": secret}
    return PutCredential.model_validate(given)


async def put(hub: Hub, actor: Actor, scope: UUID | str, mode: str = "custom", secret: str | None = KEY) -> None:
    shown = await credentials.put(hub, actor, fields(scope, mode, secret))
    assert isinstance(shown, CredentialShown), shown


def resolver(stores: Stores) -> Credentials:
    pool = stores.pools["orchestrator"]
    ring_of = partial(tenants.load_ring, pool, stores.keys)
    return Credentials(pool, ring_of, Model(), Providers(allowed=("*",)))


async def key_of(stores: Stores, actor: Actor) -> str | ErrorCode:
    granted = await resolver(stores).grant(actor.owner, WANTED)
    if not isinstance(granted, Granted):
        return granted
    return granted.credentials[0].api_key if granted.credentials else ""


async def test_all_members_use_it_and_strangers_do_not(stores: Stores, hub: Hub) -> None:
    member, stranger = await stores.account(), await stores.account()
    founder, organisation = await founded(stores, (member, OrgRole.MEMBER))
    await put(hub, founder, organisation)
    assert [await key_of(stores, one) for one in (founder, member)] == [KEY, KEY]
    assert await key_of(stores, stranger) != KEY
    await put(hub, member, "own", secret=OWN)
    assert await key_of(stores, member) == OWN
    await put(hub, member, "own", mode="global", secret=None)
    assert await key_of(stores, member) == KEY


async def test_it_is_sealed_with_the_organisations_own_key_and_stays_there(stores: Stores, hub: Hub) -> None:
    founder, organisation = await founded(stores)
    await put(hub, founder, organisation)
    [binding] = await stored.list_of(stores.pools["gateway"], OwnerId(organisation))
    assert binding.sealed is not None
    assert KEY.encode() not in binding.sealed
    ring = await tenants.load_ring(stores.pools["orchestrator"], stores.keys, OwnerId(organisation))
    assert binding.open(ring) == KEY
    assert await stored.list_of(stores.pools["gateway"], founder.owner) == []
    async with stores.superuser() as root:
        rows = await root.fetch("SELECT event_type, record FROM audit_logs WHERE organisation_id = $1", organisation)
    assert "credential.put" in [row["event_type"] for row in rows]
    assert not any(KEY.encode() in bytes(row["record"]) for row in rows)


@pytest.mark.parametrize("role", list(OrgRole))
async def test_who_may_do_what(stores: Stores, hub: Hub, role: OrgRole) -> None:
    actor = await stores.account()
    founder, organisation = await founded(stores, (actor, role))
    await put(hub, founder, organisation)
    rules = role in (OrgRole.OWNER, OrgRole.ADMIN)
    which = WhichCredential(kind=Kind.LLM, provider="openai", scope=organisation)
    for done in (
        await credentials.put(hub, actor, fields(organisation)),
        await credentials.test(hub, actor, which),
        await credentials.delete(hub, actor, which),
    ):
        assert isinstance(done, CredentialShown) is rules
        assert rules or (isinstance(done, Refused) and done.code is ErrorCode.ACCESS_DENIED)
    listed = await credentials.list_all(hub, actor, ListCredentials(scope=organisation))
    assert not isinstance(listed, Refused)
    assert len(listed) == (0 if rules else 1)


async def test_to_a_stranger_an_organisation_is_as_unknown_as_any_other_id(stores: Stores, hub: Hub) -> None:
    founder, organisation = await founded(stores)
    await put(hub, founder, organisation)
    eve = await stores.account()
    for scope in (organisation, uuid4()):
        refused = await credentials.put(hub, eve, fields(scope))
        assert isinstance(refused, Refused)
        assert refused.code is ErrorCode.NOT_FOUND
        listed = await credentials.list_all(hub, eve, ListCredentials(scope=scope))
        assert isinstance(listed, Refused)
        assert listed.code is ErrorCode.NOT_FOUND
    assert await stored.list_of(stores.pools["gateway"], OwnerId(organisation))


async def test_any_organisation_may_forbid_and_the_one_joined_first_pays(stores: Stores, hub: Hub) -> None:
    member = await stores.account()
    first, first_id = await founded(stores, (member, OrgRole.MEMBER))
    second, second_id = await founded(stores, (member, OrgRole.MEMBER))
    await put(hub, second, second_id, secret="sk-second-0123456789")
    assert await key_of(stores, member) == "sk-second-0123456789"
    await put(hub, first, first_id)
    assert await key_of(stores, member) == KEY
    await put(hub, second, second_id, mode="disabled", secret=None)
    assert await key_of(stores, member) is ErrorCode.PROVIDER_NOT_ALLOWED


async def test_who_leaves_loses_it_and_the_organisation_keeps_it(stores: Stores, hub: Hub) -> None:
    admin = await stores.account()
    founder, organisation = await founded(stores, (admin, OrgRole.ADMIN))
    await put(hub, admin, organisation)
    async with stores.superuser() as root:
        await root.execute("DELETE FROM memberships WHERE user_id = $1", admin.owner)
    assert await key_of(stores, admin) != KEY
    assert await key_of(stores, founder) == KEY


async def test_members_see_that_it_is_there_and_how_it_is(stores: Stores, hub: Hub) -> None:
    member = await stores.account()
    founder, organisation = await founded(stores, (member, OrgRole.MEMBER))
    await put(hub, founder, organisation)
    listed = await credentials.list_all(hub, member, ListCredentials())
    assert not isinstance(listed, Refused)
    [one] = [found for found in listed if found.level is Level.ORGANISATION]
    assert (one.organisation_id, one.status, one.api_base) == (organisation, Status.VALID, "")


async def test_it_is_tested_again_like_everybodys(stores: Stores, hub: Hub) -> None:
    founder, organisation = await founded(stores)
    await put(hub, founder, organisation)
    pool = stores.pools["orchestrator"]
    resolves = resolver(stores)
    granted = await resolves.grant(founder.owner, WANTED)
    assert isinstance(granted, Granted)
    await resolves.doubt(founder.owner, granted.used)

    async def refuses(provider: str, api_base: str, key: str) -> Checked:
        return Checked("invalid", f"no: {provider} {api_base}") if key == KEY else Checked("valid")

    ring_of = partial(tenants.load_ring, pool, stores.keys)
    while await Retests(pool, ring_of, refuses, hub.clock, structlog.get_logger()).round():
        [binding] = await stored.list_of(stores.pools["gateway"], OwnerId(organisation))
        if binding.status is Status.INVALID:
            break
    assert binding.status is Status.INVALID
    assert await resolves.grant(founder.owner, WANTED) is ErrorCode.AUTH_ERROR
