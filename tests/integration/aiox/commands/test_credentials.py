"""Credentials: tested on save, sealed, never given back, resolved owner -> hub, tested again when refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
import structlog

from aiox.commands import credentials
from aiox.commands.credentials import CredentialShown, ListCredentials, PutCredential, WhichCredential
from aiox.commands.fields import read
from aiox.commands.hub import Actor, Hub, ProviderDesk
from aiox.kernel.account import HubRole
from aiox.kernel.agent import Fallback, LlmConfig
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import HUB_OWNER
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from aiox.runtime.provider_check import Checked
from aiox.runtime.settings import Model, Providers
from orchestrator.credentials import Credentials, Granted, Retests
from policy.credentials import Kind, Level, Mode, Status
from registry import credentials as stored
from registry.tenants import load_ring
from tests.stores import Stores

OPERATOR = Actor(HUB_OWNER, BareJid("operator@localhost"))
OWN_KEY, HUB_KEY = "sk-own-0123456789abcdef", "sk-hub-0123456789abcdef"
BASE = "https://models.example/v1"


class Desk:
    """A provider that knows good keys; it can be told to refuse them."""

    def __init__(self) -> None:
        self.good = {OWN_KEY, HUB_KEY}
        self.asked: list[tuple[str, str, str]] = []

    async def __call__(self, provider: str, api_base: str, key: str) -> Checked:
        self.asked.append((provider, api_base, key))
        return Checked("valid") if key in self.good else Checked("invalid", "The provider refused this key.")


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def hub(stores: Stores, desk: Desk) -> Hub:
    return replace(stores.hub, providers=ProviderDesk(desk, (BASE,)))


def fields(**given: object) -> PutCredential:
    return PutCredential.model_validate({"kind": "llm", "provider": "openai", "mode": "custom", **given})


async def put(hub: Hub, actor: Actor, **given: object) -> CredentialShown:
    shown = await credentials.put(hub, actor, fields(**given))
    assert isinstance(shown, CredentialShown), shown
    return shown


def resolver(stores: Stores, model: Model | None = None, allowed: tuple[str, ...] = ("*",)) -> Credentials:
    pool = stores.pools["orchestrator"]
    return Credentials(pool, partial(load_ring, pool, stores.keys), model or Model(), Providers(allowed=allowed))


@pytest.fixture(autouse=True)
async def nothing_of_the_hub(stores: Stores) -> None:
    async with stores.superuser() as connection:
        await connection.execute("DELETE FROM provider_credentials WHERE owner_user_id = $1", HUB_OWNER)


async def test_a_good_key_is_tested_and_stored_sealed(stores: Stores, hub: Hub, desk: Desk) -> None:
    actor = await stores.account()
    shown = await put(hub, actor, secret=OWN_KEY, api_base=BASE)
    assert (shown.status, shown.level, shown.mode) == (Status.VALID, Level.OWNER, Mode.CUSTOM)
    assert desk.asked == [("openai", BASE, OWN_KEY)]
    async with stores.superuser() as connection:
        row = await connection.fetchrow(
            "SELECT t, secret FROM provider_credentials t WHERE owner_user_id = $1", actor.owner
        )
    assert row is not None
    assert OWN_KEY.encode() not in row["secret"]
    assert OWN_KEY not in repr(shown)


async def test_a_wrong_key_is_stored_as_invalid_and_a_new_one_replaces_it(stores: Stores, hub: Hub) -> None:
    actor = await stores.account()
    assert (await put(hub, actor, secret="sk-wrong")).status is Status.INVALID
    assert await resolver(stores).grant(actor.owner, LlmConfig(provider="openai")) is ErrorCode.AUTH_ERROR
    assert (await put(hub, actor, secret=OWN_KEY)).status is Status.VALID
    granted = await resolver(stores).grant(actor.owner, LlmConfig(provider="openai"))
    assert isinstance(granted, Granted)
    assert [one.api_key for one in granted.credentials] == [OWN_KEY]


async def test_an_account_may_not_name_any_endpoint(stores: Stores, hub: Hub, desk: Desk) -> None:
    actor = await stores.account()
    for base in ("http://127.0.0.1:5432", "http://169.254.169.254/latest", "https://models.example.evil/v1"):
        no = await credentials.put(hub, actor, fields(secret=OWN_KEY, api_base=base))
        assert isinstance(no, Refused)
        assert no.code is ErrorCode.PROVIDER_NOT_ALLOWED
    assert desk.asked == []
    shown = await put(hub, OPERATOR, secret=HUB_KEY, api_base="http://127.0.0.1:9/v1")
    assert shown.level is Level.HUB


@pytest.mark.parametrize(
    "given",
    [
        {"mode": "global", "secret": "x"},
        {"mode": "disabled", "api_base": BASE},
        {"secret": "with space"},
        {"secret": "line\nbreak"},
        {"secret": ""},
        {"provider": "Open AI"},
        {"api_base": "https://user:pw@host/v1"},
        {"api_base": "ftp://host"},
        {"level": "hub"},
    ],
)
def test_what_is_refused_before_anything(given: dict[str, object]) -> None:
    refused = read(PutCredential, {"kind": "llm", "provider": "openai", "mode": "custom", **given})
    assert isinstance(refused, Refused)
    assert "with space" not in refused.reason


async def test_the_nearest_level_is_used(stores: Stores, hub: Hub) -> None:
    actor = await stores.account()
    wanted = LlmConfig(provider="openai", model="tiny")
    await put(hub, OPERATOR, secret=HUB_KEY)
    for given, expected in (
        (None, HUB_KEY),
        ({"mode": "global"}, HUB_KEY),
        ({"secret": OWN_KEY}, OWN_KEY),
        ({"mode": "disabled"}, ErrorCode.PROVIDER_NOT_ALLOWED),
    ):
        if given is not None:
            await put(hub, actor, **given)
        granted = await resolver(stores).grant(actor.owner, wanted)
        found = granted.credentials[0].api_key if isinstance(granted, Granted) else granted
        assert found == expected, given


async def test_the_hubs_settings_stand_in_and_a_disabled_one_leaves_the_offline_responder(
    stores: Stores, hub: Hub
) -> None:
    actor = await stores.account()
    model = Model(provider="openai", name="tiny", api_key="sk-settings")
    granted = await resolver(stores, model).grant(actor.owner, LlmConfig())
    assert isinstance(granted, Granted)
    assert (granted.config.provider, granted.config.model) == ("openai", "tiny")
    assert [one.api_key for one in granted.credentials] == ["sk-settings"]
    await put(hub, actor, mode="disabled")
    offline = await resolver(stores, model).grant(actor.owner, LlmConfig())
    assert isinstance(offline, Granted)
    assert (offline.config.provider, offline.credentials) == ("", ())


async def test_one_owners_key_is_never_another_owners(stores: Stores, hub: Hub) -> None:
    actor, other = await stores.account(), await stores.account()
    await put(hub, actor, secret=OWN_KEY)
    one_resolver = resolver(stores)
    for owner, keys in ((actor.owner, [OWN_KEY]), (other.owner, []), (actor.owner, [OWN_KEY])):
        granted = await one_resolver.grant(owner, LlmConfig(provider="openai"))
        assert isinstance(granted, Granted)
        assert [one.api_key for one in granted.credentials] == keys


async def test_the_hubs_list_of_models(stores: Stores) -> None:
    actor = await stores.account()
    strict = resolver(stores, allowed=("openai/tiny", "ollama/*"))
    wanted = LlmConfig(provider="openai", model="big", fallbacks=(Fallback(provider="ollama", model="x"),))
    assert await strict.grant(actor.owner, wanted) is ErrorCode.PROVIDER_NOT_ALLOWED
    granted = await strict.grant(
        actor.owner,
        LlmConfig(
            provider="openai",
            model="tiny",
            fallbacks=(Fallback(provider="openai", model="big"), Fallback(provider="ollama", model="x")),
        ),
    )
    assert isinstance(granted, Granted)
    assert [one.provider for one in granted.config.fallbacks] == ["ollama"]


async def test_a_fallback_steps_in_for_a_refused_key(stores: Stores, hub: Hub) -> None:
    actor = await stores.account()
    await put(hub, actor, secret="sk-wrong")
    wanted = LlmConfig(provider="openai", model="tiny", fallbacks=(Fallback(provider="ollama", model="x"),))
    granted = await resolver(stores).grant(actor.owner, wanted)
    assert isinstance(granted, Granted)
    assert (granted.config.provider, granted.config.model, granted.config.fallbacks) == ("ollama", "x", ())


async def test_doubt_leads_to_a_test_and_a_refused_key_is_not_used_again(stores: Stores, hub: Hub, desk: Desk) -> None:
    actor = await stores.account()
    await put(hub, actor, secret=OWN_KEY)
    resolves, wanted = resolver(stores), LlmConfig(provider="openai")
    granted = await resolves.grant(actor.owner, wanted)
    assert isinstance(granted, Granted)
    desk.good.clear()
    await resolves.doubt(actor.owner, granted.used)
    assert isinstance(await resolves.grant(actor.owner, wanted), Granted)  # until it was tested
    await all_due(stores, hub, desk)
    resolves.forget()
    assert await resolves.grant(actor.owner, wanted) is ErrorCode.AUTH_ERROR
    events = await ledger_of(stores, actor)
    assert events[-1] == "credential.tested"


async def test_each_is_tested_once_a_day(stores: Stores, hub: Hub, desk: Desk) -> None:
    actor = await stores.account()
    await put(hub, actor, secret=OWN_KEY)
    await all_due(stores, hub, desk)
    desk.asked.clear()
    await all_due(stores, hub, desk)
    assert desk.asked == []
    async with stores.superuser() as connection:
        await connection.execute(
            "UPDATE provider_credentials SET checked_at = checked_at - $2::interval WHERE owner_user_id = $1",
            actor.owner,
            timedelta(days=1, seconds=1),
        )
    await all_due(stores, hub, desk)
    assert [key for _, _, key in desk.asked] == [OWN_KEY]


async def test_what_was_put_meanwhile_is_not_marked(stores: Stores, hub: Hub) -> None:
    actor = await stores.account()
    await put(hub, actor, secret="sk-wrong")
    tested = await stored.load(hub.pool, actor.owner, Kind.LLM, "openai")
    assert tested is not None
    await put(hub, actor, secret=OWN_KEY)
    assert not await stored.mark(hub.pool, tested, Status.INVALID, "", None)
    again = await stored.load(hub.pool, actor.owner, Kind.LLM, "openai")
    assert again is not None
    assert again.status is Status.VALID


async def test_lists_show_ones_own_and_that_the_hub_has_one(stores: Stores, hub: Hub) -> None:
    actor, other = await stores.account(), await stores.account()
    await put(hub, OPERATOR, secret=HUB_KEY, api_base="https://inside.example/v1")
    await put(hub, actor, provider="mistral", secret=OWN_KEY)
    listed = await credentials.list_all(hub, actor, ListCredentials())
    assert not isinstance(listed, Refused)
    assert [(one.provider, one.level, one.api_base) for one in listed] == [
        ("mistral", Level.OWNER, ""),
        ("openai", Level.HUB, ""),
    ]
    assert OWN_KEY not in repr(listed)
    assert HUB_KEY not in repr(listed)
    theirs = await credentials.list_all(hub, other, ListCredentials())
    assert not isinstance(theirs, Refused)
    assert [one.level for one in theirs] == [Level.HUB]


async def test_only_the_operator_and_hub_admins_speak_for_the_hub(stores: Stores, hub: Hub) -> None:
    actor = await stores.account()
    admin, auditor = (replace(actor, hub_role=role) for role in (HubRole.ADMIN, HubRole.AUDITOR))
    for who in (actor, auditor):
        which = WhichCredential(kind=Kind.LLM, provider="openai", scope="hub")
        for command in (
            credentials.put(hub, who, fields(secret=HUB_KEY, scope="hub")),
            credentials.list_all(hub, who, ListCredentials(scope="hub")),
            credentials.test(hub, who, which),
            credentials.delete(hub, who, which),
        ):
            no = await command
            assert isinstance(no, Refused)
            assert no.code is ErrorCode.ACCESS_DENIED
    assert (await put(hub, admin, secret=HUB_KEY, scope="hub")).level is Level.HUB


async def test_what_is_deleted_or_anothers_is_not_there(stores: Stores, hub: Hub) -> None:
    actor, other = await stores.account(), await stores.account()
    which = WhichCredential(kind=Kind.LLM, provider="openai")
    await put(hub, actor, secret=OWN_KEY)
    for command in (credentials.test, credentials.delete):
        no = await command(hub, other, which)
        assert isinstance(no, Refused)
        assert no.code is ErrorCode.NOT_FOUND
    assert isinstance(await credentials.test(hub, actor, which), CredentialShown)
    assert isinstance(await credentials.delete(hub, actor, which), CredentialShown)
    assert isinstance(await credentials.delete(hub, actor, which), Refused)
    assert [event for event in await ledger_of(stores, actor) if event.startswith("credential.")] == [
        "credential.put",
        "credential.tested",
        "credential.deleted",
    ]


async def all_due(stores: Stores, hub: Hub, desk: Desk) -> None:
    pool = stores.pools["orchestrator"]
    retests = Retests(pool, partial(load_ring, pool, stores.keys), desk, hub.clock, structlog.get_logger())
    while await retests.round():
        pass


async def ledger_of(stores: Stores, actor: Actor) -> list[str]:
    async with stores.superuser() as connection:
        rows = await connection.fetch(
            "SELECT event_type, details FROM audit_logs WHERE owner_user_id = $1 ORDER BY seq", actor.owner
        )
    assert not any(OWN_KEY in str(row["details"]) for row in rows)
    return [row["event_type"] for row in rows]
