"""Commands as people meet them: forms and text, at an agent and at the hub, on a whole hub. None costs a token."""

from __future__ import annotations

from xml.etree.ElementTree import Element

from registry import usage
from tests.e2e.raw_client import RawClient, device, name_of
from tests.stack import Account, RunningHub

COMMANDS = "http://jabber.org/protocol/commands"
COMMAND = f"{{{COMMANDS}}}command"
ITEMS = "http://jabber.org/protocol/disco#items"
FORM = "{jabber:x:data}"


async def listed(client: RawClient, to: str) -> set[str]:
    reply = await client.ask(to, f"<query xmlns='{ITEMS}' node='{COMMANDS}'/>")
    return {item.get("node", "").rpartition("#")[2] for item in reply.iter(f"{{{ITEMS}}}item")}


async def step(client: RawClient, to: str, name: str, before: Element | None = None, /, **values: str) -> Element:
    """One step of a command; `before` is the answer to the one before."""
    session = "" if before is None else f"sessionid='{before.get('sessionid')}' action='complete'"
    fields = "".join(f"<field var='{field}'><value>{value}</value></field>" for field, value in values.items())
    form = f"<x xmlns='jabber:x:data' type='submit'>{fields}</x>" if before is not None else ""
    node = f"urn:aiox:commands:0#{name}"
    reply = await client.ask(to, f"<command xmlns='{COMMANDS}' node='{node}' {session}>{form}</command>", "set")
    command = reply.find(COMMAND)
    assert command is not None, f"refused: {[inner.tag for inner in reply.iter()]}"
    return command


def note(command: Element) -> str:
    assert command.get("status") == "completed"
    return command.findtext(f"{{{COMMANDS}}}note") or ""


async def say(client: RawClient, to: str, text: str) -> str:
    """The next thing that this address says."""
    heard = len(said(client, to))
    client.send(f"<message to='{to}' type='chat' id='{client.xmpp.new_id()}'><body>{text}</body></message>")
    await client.until(lambda _: len(said(client, to)) > heard)
    return said(client, to)[heard]


def said(client: RawClient, to: str) -> list[str]:
    found = [got for got in client.got if name_of(got) == "message" and got.get("from", "").partition("/")[0] == to]
    bodies = [got.findtext("{jabber:client}body") for got in found if got.get("type") != "error"]
    return [one for one in bodies if one and not one.startswith("Hello, I am ")]


async def test_an_agents_life_by_form_and_by_word(hub: RunningHub) -> None:
    owner, stranger = await hub.account(), await hub.account()
    own = hub.settings.agents_domain
    async with device(hub, owner) as phone, device(hub, stranger) as other:
        assert {"new", "agents", "publish", "help"} <= await listed(phone, own)
        asked = await step(phone, own, "new")
        assert asked.get("status") == "executing"
        assert {one.get("var") for one in asked.iter(f"{FORM}field")} >= {"name", "template", "prompt"}
        agent = note(await step(phone, own, "new", asked, name="Ada", template="tutor")).split("xmpp:")[1].split()[0]

        assert "draft: name" in await say(phone, agent, "/edit name Grace")
        assert "Version 2 is active" in await say(phone, agent, "/publish")
        assert "Grace, private" in await say(phone, own, "/agents")
        assert "1. Ada" in await say(phone, own, "/rollback grace")
        back = await step(phone, agent, "rollback")
        assert "Version 1 is active" in note(await step(phone, agent, "rollback", back, words="1"))
        assert "begin anew" in await say(phone, agent, "/reset")
        assert "under way" in note(await step(phone, agent, "reset"))
        await phone.until(lambda _: sum("begin anew" in one for one in said(phone, agent)) == 2)
        assert "until" in await say(phone, agent, "/mute 8h")
        assert "formal" in await say(phone, agent, "/preferences tone formal")

        assert await listed(other, agent) == set()
        reply = await other.ask(agent, f"<command xmlns='{COMMANDS}' node='urn:aiox:commands:0#delete'/>", "set")
        assert reply.get("type") == "error"
        assert "Nothing was done yet" in await say(phone, agent, "/delete")
        sure = await step(phone, agent, "delete")
        assert "is deleted" in note(await step(phone, agent, "delete", sure, confirm="1"))
        assert "You have no agents" in await say(phone, own, "/agents")
    await nothing_was_used(hub, owner)


async def nothing_was_used(hub: RunningHub, owner: Account) -> None:
    async with hub.commands() as commands:
        agent = owner.actor.owner  # any id: what counts is the account
        used = await usage.used(commands.pool, owner.actor.owner, agent, owner.jid, commands.clock.now())  # type: ignore[arg-type]
    assert (used.account_today, used.mine_today) == (0, 0)
