"""An agent in a real room: invited, asked, silent where others are meant, there again after a crash, sent away."""

from __future__ import annotations

from uuid import uuid4
from xml.etree.ElementTree import Element

from tests.e2e.people import ROOMY, ROOMY_ACCOUNT, teach
from tests.e2e.raw_client import RawClient, device, name_of
from tests.stack import RunningHub

MUC = "http://jabber.org/protocol/muc"
BODY = "{jabber:client}body"


async def opened(client: RawClient, room: str, nick: str) -> None:
    """A new room, ready for others."""
    client.send(f"<presence to='{room}/{nick}'><x xmlns='{MUC}'/></presence>")
    await client.until(lambda got: name_of(got) == "presence" and got.get("from") == f"{room}/{nick}")
    done = await client.ask(room, f"<query xmlns='{MUC}#owner'><x xmlns='jabber:x:data' type='submit'/></query>", "set")
    assert done.get("type") == "result"


def invite(client: RawClient, room: str, agent: str) -> None:
    client.send(f"<message to='{room}'><x xmlns='{MUC}#user'><invite to='{agent}'/></x></message>")


def say(client: RawClient, room: str, body: str) -> None:
    client.send(f"<message to='{room}' type='groupchat' id='{uuid4()}'><body>{body}</body></message>")


def presences(client: RawClient, room: str, nick: str, kind: str = "") -> int:
    return sum(
        1
        for got in client.got
        if name_of(got) == "presence" and got.get("from") == f"{room}/{nick}" and got.get("type", "") == kind
    )


def said(client: RawClient, room: str, nick: str) -> list[str]:
    own = [got for got in client.got if name_of(got) == "message" and got.get("from") == f"{room}/{nick}"]
    return [one.findtext(BODY) or "" for one in own if one.find(BODY) is not None]


async def comes(client: RawClient, room: str, nick: str, number: int = 1) -> None:
    await client.until(lambda _: presences(client, room, nick) >= number, 60)


async def test_an_agent_in_a_room(hub: RunningHub) -> None:
    owner, guest = await hub.account(quota=ROOMY_ACCOUNT), await hub.account()
    private = await hub.agent(owner, name="Hidden")
    agent = await hub.agent(owner, name="Ada", governance=ROOMY, visibility="shared", shared_with=[guest.jid])
    await teach(hub, owner, agent.agent_id, "garden.md", "# Roses\n\nThe roses need water at seven in the morning.\n")
    room = f"r{uuid4().hex[:8]}@conference.{hub.settings.domain}"
    async with device(hub, owner) as phone, device(hub, guest) as other:
        await opened(phone, room, "olga")
        invite(phone, room, private.jid)
        await phone.until(lambda got: "private" in (got.findtext(BODY) or "") and _is_from(got, private.jid))
        invite(phone, room, agent.jid)
        await comes(phone, room, "Ada")
        other.send(f"<presence to='{room}/gus'><x xmlns='{MUC}'/></presence>")
        await comes(other, room, "Ada")
        say(other, room, "When do the roses need water?")
        say(other, room, "Ada: When do the roses need water?")
        await other.until(lambda _: bool(said(other, room, "Ada")))
        assert said(other, room, "Ada")[0].startswith("gus: ")
        assert "seven" in said(other, room, "Ada")[0]
        say(other, room, "Ada: /memory")
        await other.until(lambda _: len(said(other, room, "Ada")) >= 2)
        assert "directly" in said(other, room, "Ada")[1]

        hub.kill("component")
        await comes(other, room, "Ada", 2)
        say(other, room, "Ada: When do the roses need water?")
        await other.until(lambda _: len(said(other, room, "Ada")) >= 3, 60)

        item = "<item nick='Ada' role='none'/>"
        await phone.ask(room, f"<query xmlns='{MUC}#admin'>{item}</query>", "set")
        await other.until(lambda _: presences(other, room, "Ada", "unavailable") >= 1)
        invite(phone, room, agent.jid)
        seen = presences(other, room, "Ada")
        await comes(other, room, "Ada", seen + 1)
        say(other, room, "Ada: leave")
        await other.until(lambda _: presences(other, room, "Ada", "unavailable") >= 2)
        assert len(said(other, room, "Ada")) <= 4, "it has answered what it was asked, and nothing else"


def _is_from(got: Element, agent: str) -> bool:
    return got.get("from", "").partition("/")[0] == agent
