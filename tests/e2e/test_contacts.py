"""An agent as a contact: it introduces itself, is subscribed to, found, looked at and let go of, on a whole hub."""

from __future__ import annotations

import base64
from xml.etree.ElementTree import Element

from aiox.commands import retire_agent
from aiox.commands.edit_agent import WhichAgent
from aiox.kernel.avatar import Image
from tests.e2e.raw_client import RawClient, device, name_of
from tests.stack import RunningHub

PICTURE = Image("image/png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(40))
AVATAR = f"data:image/png;base64,{base64.b64encode(PICTURE.data).decode()}"
ROSTER = "{jabber:iq:roster}"
ITEMS = "http://jabber.org/protocol/disco#items"


def body(got: Element) -> str:
    return got.findtext("{*}body") or ""


async def test_a_new_agent_is_a_contact_of_its_owner_unasked(hub: RunningHub) -> None:
    owner = await hub.account()
    async with device(hub, owner) as phone:
        made = await hub.agent(owner, name="Zoë", description="knows paint", avatar=AVATAR)
        pushed = await phone.until(lambda got: (entry := _entry(got, made.jid)) is not None and entry != "none")
        item = pushed.find(f".//{ROSTER}item")
        assert item is not None
        assert (item.get("name"), item.get("subscription")) == ("Zoë", "both")
        assert item.findtext(f"{ROSTER}group") == "AI agents"
        shown = await phone.presence(made.jid)
        assert shown.findtext("{*}nick") == "Zoë"
        assert "AI agent" in (shown.findtext("{*}status") or "")
        photo = shown.findtext("{vcard-temp:x:update}x/{vcard-temp:x:update}photo")
        hello = await phone.until(lambda got: "I am Zoë" in body(got))
        assert "not from a person" in body(hello)
        await phone.until(lambda got: any("pubsub#event" in inner.tag for inner in got))
        vcard = await phone.ask(made.jid, "<vCard xmlns='vcard-temp'/>")
        assert vcard.findtext("{*}vCard/{*}FN") == "Zoë"
        data = await _avatar(phone, made.jid, photo or "")
        assert base64.b64decode(data) == PICTURE.data
    async with device(hub, owner, "laptop") as laptop:
        assert (await laptop.presence(made.jid)).findtext("{*}nick") == "Zoë", "its server probes for it"
        laptop.send(f"<presence to='{made.jid}' type='unsubscribe'/>")
        await laptop.presence(made.jid, "unavailable")
        asked = [got for got in phone.got if name_of(got) == "presence" and got.get("type") == "subscribe"]
        assert asked == [], "nobody was asked"


def _entry(got: Element, agent: str) -> str | None:
    """The subscription of an agent in a roster push; None when this is none of it."""
    items = [one for one in got.iter(f"{ROSTER}item") if one.get("jid") == agent]
    return items[0].get("subscription") if items else None


async def _avatar(client: RawClient, agent: str, photo: str) -> str:
    item = f"<items node='urn:xmpp:avatar:data'><item id='{photo}'/></items>"
    reply = await client.ask(agent, f"<pubsub xmlns='http://jabber.org/protocol/pubsub'>{item}</pubsub>")
    found = reply.find(".//{urn:xmpp:avatar:data}data")
    assert found is not None, reply
    return found.text or ""


async def test_the_directory_shows_each_what_they_may_see(hub: RunningHub) -> None:
    owner, guest = await hub.account(), await hub.account()
    mine = await hub.agent(owner, name="Private")
    shared = await hub.agent(owner, name="Shared", visibility="shared", shared_with=[guest.jid])
    agents_domain = hub.settings.agents_domain

    async def listed(client: RawClient) -> set[str]:
        found: set[str] = set()
        after = ""
        while True:
            page = f"<set xmlns='http://jabber.org/protocol/rsm'><max>50</max>{after}</set>"
            reply = await client.ask(agents_domain, f"<query xmlns='{ITEMS}'>{page}</query>")
            items = [one.get("jid", "") for one in reply.iter(f"{{{ITEMS}}}item")]
            if not items:
                return found
            found |= set(items)
            after = f"<after>{items[-1]}</after>"

    async with device(hub, owner) as one, device(hub, guest) as other:
        assert {mine.jid, shared.jid} <= await listed(one)
        theirs = await listed(other)
        assert shared.jid in theirs
        assert mine.jid not in theirs
        search = "<query xmlns='jabber:iq:search'><nick>shared</nick></query>"
        reply = await other.ask(agents_domain, search, "set")
        assert shared.jid in {one.get("jid") for one in reply.iter("{jabber:iq:search}item")}


async def test_an_agent_that_its_owner_deletes_goes_offline_for_its_contacts(hub: RunningHub) -> None:
    owner = await hub.account()
    made = await hub.agent(owner)
    async with device(hub, owner) as phone:
        phone.send(f"<presence to='{made.jid}' type='subscribe'/>")
        await phone.presence(made.jid)
        async with hub.commands() as commands:
            await retire_agent.delete(commands, owner.actor, WhichAgent(agent_id=made.agent_id))
        await phone.presence(made.jid, "unavailable")
        assert not [got for got in phone.got if name_of(got) == "presence" and got.get("type") == "error"]
