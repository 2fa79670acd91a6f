"""Commands as the gateway does them for whoever the XMPP server vouches for: each face, each person, each place."""

from __future__ import annotations

import json
from uuid import UUID, uuid4

import pytest

from aiox.commands import chat_desk, read_agent
from aiox.commands.chat_desk import Desk
from aiox.commands.hub import Actor
from aiox.commands.read_agent import ReadAgent
from aiox.kernel.agent import AgentSpec, Profile, Visibility
from aiox.kernel.command import YES, CommandAnswered, CommandAsked
from aiox.kernel.envelope import Envelope, MessageReceived
from aiox.kernel.ids import AgentId
from aiox.kernel.jid import BareJid, agent_jid
from aiox.kernel.outcome import Refused
from aiox.runtime.postgres import owner_scope
from registry.idempotency import Keys
from tests.stores import Stores

HUB = "agents.localhost"
SHARED = AgentSpec(profile=Profile(name="Shared"), visibility=Visibility.SHARED)


class Rig:
    """A desk on the real stores; what it puts on the bus, and how often it counted."""

    def __init__(self, stores: Stores) -> None:
        self.stores = stores
        self.put: list[MessageReceived] = []
        self.left = 100
        self.desk = Desk(stores.hub, Keys(stores.pools["gateway"], stores.keys), self._put, self._count)

    async def _put(self, envelope: Envelope[MessageReceived]) -> None:
        self.put.append(envelope.payload)

    async def _count(self, _action: str, _who: str) -> int:
        return self.left

    async def say(self, who: Actor, address: str, text: str, key: str = "") -> CommandAnswered:
        name, _, words = text.removeprefix("/").partition(" ")
        asked = CommandAsked(f"{who.jid}/phone", address, name, words, {}, True, key)
        return await chat_desk.answer(self.desk, asked)

    async def fill(self, who: Actor, address: str, name: str, /, **values: str) -> CommandAnswered:
        return await chat_desk.answer(self.desk, CommandAsked(f"{who.jid}/phone", address, name, values=values))

    async def name_of(self, owner: Actor, agent: AgentId) -> str:
        found = await read_agent.run(self.stores.hub, owner, ReadAgent(agent_id=agent))
        assert not isinstance(found, Refused)
        return found.agent.version.name


@pytest.fixture
def rig(stores: Stores) -> Rig:
    return Rig(stores)


def agent_in(text: str) -> AgentId:
    return AgentId(UUID(text.split("agent-")[1].split("@")[0]))


async def test_an_agents_life_in_words(rig: Rig) -> None:
    owner = await rig.stores.account()
    made = await rig.say(owner, HUB, "/new tutor as Ada")
    assert made.error_code == "", made
    agent = agent_in(made.text)
    address = agent_jid(agent, "localhost")
    assert "draft: name" in (await rig.say(owner, address, "/edit name Grace")).text
    assert await rig.name_of(owner, agent) == "Ada"
    assert "Version 2 is active. Changed: profile/name." in (await rig.say(owner, address, "/publish")).text
    assert await rig.name_of(owner, agent) == "Grace"
    assert (await rig.say(owner, address, "/publish")).error_code == "CONFLICT"
    assert "1. Ada" in (await rig.say(owner, address, "/rollback")).text
    assert (await rig.say(owner, HUB, "/rollback Grace 1")).text == "Version 1 is active."
    assert "Nothing was done yet" in (await rig.say(owner, HUB, "/delete Ada")).text
    assert await rig.name_of(owner, agent) == "Ada"
    assert "is deleted" in (await rig.say(owner, address, "/delete yes")).text
    assert (await rig.say(owner, address, "/edit")).error_code == "ACCESS_DENIED"


async def test_the_same_by_form(rig: Rig) -> None:
    owner = await rig.stores.account()
    asked = await rig.fill(owner, HUB, "new")
    assert [one.name for one in asked.form] == ["name", "template", "prompt"]
    made = await rig.fill(owner, HUB, "new", name="Ada", template="tutor", prompt="Teach me.")
    agent = agent_in(made.text)
    first = await rig.fill(owner, HUB, "edit")
    assert (first.form[0].name, first.more) == ("agent", True)
    chosen = first.form[0].options[0].value
    second = await rig.fill(owner, HUB, "edit", agent=chosen)
    shown = {one.name: one.value for one in second.form}
    assert (shown["name"], shown["prompt"]) == ("Ada", "Teach me.")
    done = await rig.fill(owner, HUB, "edit", agent=chosen, **{**shown, "tags": "maths, physics"})
    assert "Changed in the draft: tags." in done.text
    assert "is active" in (await rig.fill(owner, HUB, "publish", agent=chosen)).text
    back = await rig.fill(owner, HUB, "rollback", agent=chosen)
    assert [one.value for one in back.form[0].options] == ["2", "1"]
    assert "Version 1" in (await rig.fill(owner, HUB, "rollback", agent=chosen, words="1")).text
    sure = await rig.fill(owner, HUB, "delete", agent=chosen)
    assert sure.form[-1].name == "confirm"
    assert "Nothing was done" in (await rig.fill(owner, HUB, "delete", agent=chosen, confirm="")).text
    assert await rig.name_of(owner, agent) == "Ada"
    assert "is deleted" in (await rig.fill(owner, HUB, "delete", agent=chosen, confirm=YES)).text


async def test_the_same_command_twice_is_done_once(rig: Rig) -> None:
    owner, key = await rig.stores.account(), str(uuid4())
    first = await rig.say(owner, HUB, "/new Ada", key)
    again = await rig.say(owner, HUB, "/new Ada", key)
    assert first == again
    listed = (await rig.say(owner, HUB, "/agents")).text
    assert listed.count("Ada") == 1
    assert (await rig.say(owner, HUB, "/new Grace", key)).error_code == "HUB_BUSY"


@pytest.mark.control
async def test_without_its_key_it_is_done_twice(rig: Rig) -> None:
    owner = await rig.stores.account()
    for _ in range(2):
        await rig.say(owner, HUB, "/new Ada")
    assert (await rig.say(owner, HUB, "/agents")).text.count("Ada") == 2


@pytest.mark.parametrize("command", ["edit name X", "publish", "rollback 1", "delete yes", "documents"])
async def test_nobody_changes_what_is_anothers(rig: Rig, command: str) -> None:
    """A guest is refused, a stranger sees the same as at an address that is not there."""
    owner, guest, stranger = [await rig.stores.account() for _ in range(3)]
    agent = await rig.stores.agent(owner, SHARED, (guest.jid,))
    address = agent_jid(agent, "localhost")
    assert (await rig.say(guest, address, f"/{command}")).error_code == "ACCESS_DENIED"
    hidden = await rig.say(stranger, address, f"/{command}")
    assert hidden == await rig.say(stranger, agent_jid(uuid4(), "localhost"), f"/{command}")
    assert (hidden.error_code, await rig.name_of(owner, agent)) == ("ACCESS_DENIED", "Shared")
    assert (await rig.say(stranger, HUB, f"/{command.split()[0]} {address}")).error_code == ""
    assert await rig.name_of(owner, agent) == "Shared"


@pytest.mark.control
async def test_the_owner_does_what_the_others_may_not(rig: Rig) -> None:
    owner = await rig.stores.account()
    agent = await rig.stores.agent(owner, SHARED)
    assert (await rig.say(owner, agent_jid(agent, "localhost"), "/delete yes")).error_code == ""


async def test_lists_show_what_one_may_use(rig: Rig) -> None:
    owner, guest, stranger = [await rig.stores.account() for _ in range(3)]
    agent = await rig.stores.agent(owner, SHARED, (guest.jid,))
    address = agent_jid(agent, "localhost")

    async def names(who: Actor, where: str) -> set[str]:
        return {one.name for one in (await rig.fill(who, where, "")).names}

    assert {"edit", "delete", "new", "help", "mute"} <= await names(owner, address)
    assert not {"edit", "delete", "publish", "rollback", "documents"} & await names(guest, address)
    assert {"help", "memory", "forget", "new"} <= await names(guest, address)
    assert await names(stranger, address) == await names(stranger, agent_jid(uuid4(), "localhost")) == set()
    assert {"new", "agents", "delete"} <= await names(stranger, HUB)
    nobody = Actor(owner.owner, BareJid("somebody@elsewhere.example"))
    assert await names(nobody, HUB) == set()
    assert (await rig.say(nobody, HUB, "/agents")).error_code == "ACCESS_DENIED"


async def test_a_guest_of_elsewhere_has_no_account(rig: Rig) -> None:
    owner = await rig.stores.account()
    guest = Actor(owner.owner, BareJid("guest@elsewhere.example"))
    agent = await rig.stores.agent(owner, SHARED, (guest.jid,))
    address = agent_jid(agent, "localhost")
    assert "only people with an account" in (await rig.say(guest, address, "/new Ada")).text.lower()
    told = (await rig.say(guest, address, "/help")).text
    assert "/memory" in told
    assert "/new" not in told
    assert "tokens" in (await rig.say(guest, address, "/quota")).text


async def test_what_has_its_place_is_put_there(rig: Rig) -> None:
    owner = await rig.stores.account()
    agent = await rig.stores.agent(owner)
    assert "under way" in (await rig.fill(owner, agent_jid(agent, "localhost"), "reset")).text
    [message] = rig.put
    assert (message.body, message.sender, message.agent_id) == ("/reset", owner.jid, agent)


async def test_preferences_and_mute(rig: Rig) -> None:
    owner = await rig.stores.account()
    agent = await rig.stores.agent(owner)
    address = agent_jid(agent, "localhost")
    assert "tone: formal" in (await rig.say(owner, address, "/preferences tone formal")).text
    assert "language: pt-BR" in (await rig.fill(owner, HUB, "preferences", tone="formal", language="pt-BR")).text
    assert (await rig.say(owner, address, "/preferences tone shouting")).error_code == "BODY_INVALID"
    assert "tone: (not set)" in (await rig.say(owner, address, "/preferences clear")).text
    assert "until" in (await rig.say(owner, address, "/mute 8h")).text
    async with owner_scope(rig.stores.pools["orchestrator"], owner.owner) as connection:
        assert await connection.fetchval("SELECT muted_until > now() FROM chat_choices WHERE agent_id = $1", agent)
    assert (await rig.say(owner, address, "/mute 900d")).error_code == "BODY_INVALID"
    assert "again" in (await rig.say(owner, address, "/mute off")).text


async def test_every_command_is_judged_and_on_record(rig: Rig) -> None:
    owner = await rig.stores.account()
    await rig.say(owner, HUB, "/new Ada")
    async with owner_scope(rig.stores.pools["gateway"], owner.owner) as connection:
        rows = await connection.fetch("SELECT details FROM audit_logs WHERE event_type = 'gate.decision'")
    actions = {json.loads(row["details"])["action"] for row in rows}
    assert {"chat.new", "agent.create"} <= actions


async def test_too_many_are_refused(rig: Rig) -> None:
    owner = await rig.stores.account()
    rig.left = -1
    assert (await rig.say(owner, HUB, "/new Ada")).error_code == "RATE_LIMITED"


async def test_a_name_that_is_none(rig: Rig) -> None:
    owner = await rig.stores.account()
    assert "I do not know /dance." in (await rig.say(owner, HUB, "/dance")).text
    assert (await rig.fill(owner, HUB, "dance")).error_code == "NOT_FOUND"
    assert "no agents" in (await rig.say(owner, HUB, "/publish Ada")).text
    await rig.stores.agent(owner)
    assert "Say which agent first" in (await rig.say(owner, HUB, "/publish Grace")).text
    assert (await rig.say(owner, HUB, "/publish ada")).error_code == "CONFLICT"
