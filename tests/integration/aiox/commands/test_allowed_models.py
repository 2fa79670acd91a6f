"""The hub's list of models is asked when an agent is made, changed, published and rolled back to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aiox.commands import create_agent, edit_agent, publish_agent
from aiox.commands.create_agent import AgentCreated, CreateAgent
from aiox.commands.edit_agent import PatchAgent, ReplaceAgent, WhichAgent
from aiox.commands.hub import Hub, ProviderDesk
from aiox.commands.publish_agent import RollbackAgent
from aiox.kernel.agent import DEFAULT_EMBEDDING_MODEL
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused
from aiox.runtime.settings import Memory, Model, Providers, Settings
from tests.stores import Stores

LISTED = ("openai/small*", "ollama/*")
GOOD = {"provider": "openai", "model": "small-1"}
BAD = {"provider": "openai", "model": "large"}


def hub_of(stores: Stores, allowed: tuple[str, ...] = LISTED, provider: str = "") -> Hub:
    return replace(stores.hub, providers=ProviderDesk(allowed=allowed, provider=provider, model="large"))


def fields(llm_config: object) -> CreateAgent:
    return CreateAgent.model_validate({"profile": {"name": "Ada"}, "llm_config": llm_config})


def is_refused(found: object, model: str = "openai/large") -> bool:
    return isinstance(found, Refused) and found.code is ErrorCode.PROVIDER_NOT_ALLOWED and model in found.reason


@pytest.mark.parametrize(
    ("llm_config", "provider", "allowed"),
    [
        (GOOD, "", True),
        (BAD, "", False),
        ({}, "", True),
        ({}, "openai", False),
        ({}, "ollama", True),
        ({"provider": "openai"}, "", False),
        ({**GOOD, "fallbacks": [{"provider": "ollama", "model": "any"}]}, "", True),
        ({**GOOD, "fallbacks": [BAD]}, "", False),
    ],
)
async def test_a_new_agent(stores: Stores, llm_config: object, provider: str, allowed: bool) -> None:
    actor = await stores.account()
    made = await create_agent.run(hub_of(stores, provider=provider), actor, fields(llm_config))
    assert isinstance(made, AgentCreated) if allowed else is_refused(made)


async def test_a_draft_and_what_becomes_of_it(stores: Stores) -> None:
    actor, strict, lax = await stores.account(), hub_of(stores), hub_of(stores, ("*",))
    made = await create_agent.run(strict, actor, fields(GOOD))
    assert isinstance(made, AgentCreated)
    which = WhichAgent(agent_id=made.agent_id)
    bad = {"agent_id": made.agent_id, "llm_config": BAD}
    assert is_refused(await edit_agent.update(strict, actor, PatchAgent.model_validate(bad)))
    whole = ReplaceAgent.model_validate({**bad, "profile": {"name": "Ada"}})
    assert is_refused(await edit_agent.replace_whole(strict, actor, whole))
    assert not isinstance(await edit_agent.update(lax, actor, PatchAgent.model_validate(bad)), Refused)
    assert is_refused(await publish_agent.publish(strict, actor, which)), "the list has become shorter"
    assert not isinstance(await publish_agent.publish(lax, actor, which), Refused)
    good = PatchAgent.model_validate({"agent_id": made.agent_id, "llm_config": GOOD})
    assert not isinstance(await edit_agent.update(strict, actor, good), Refused)
    assert not isinstance(await publish_agent.publish(strict, actor, which), Refused)
    assert is_refused(await publish_agent.rollback(strict, actor, RollbackAgent(agent_id=made.agent_id, version=2)))


def test_the_list_comes_from_the_settings() -> None:
    settings = Settings(
        providers=Providers(allowed=LISTED),
        model=Model(provider="ollama", name="tiny"),
        memory=Memory(embedding_model="local/other"),
    )
    desk = ProviderDesk.of(settings)
    assert (desk.allowed, desk.provider, desk.model) == (LISTED, "ollama", "tiny")
    assert desk.embedding_model == "local/other"


def embeds(model: str) -> CreateAgent:
    return CreateAgent.model_validate({"profile": {"name": "Ada"}, "memory_config": {"embedding_model": model}})


async def test_memory_is_embedded_with_the_hubs_model_and_the_default_means_that_one(stores: Stores) -> None:
    actor = await stores.account()
    hub = replace(stores.hub, providers=ProviderDesk(embedding_model="local/other"))
    for model in (DEFAULT_EMBEDDING_MODEL, "local/other"):
        assert isinstance(await create_agent.run(hub, actor, embeds(model)), AgentCreated)
    refused = await create_agent.run(hub, actor, embeds("openai/text-embedding-3-large"))
    assert is_refused(refused, "local/other")
    made = await create_agent.run(stores.hub, actor, fields({}))
    assert isinstance(made, AgentCreated)
    wanted = {"agent_id": made.agent_id, "memory_config": {"embedding_model": "local/other"}}
    assert is_refused(await edit_agent.update(stores.hub, actor, PatchAgent.model_validate(wanted)), "local/other")
