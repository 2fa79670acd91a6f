"""What the registry is asked for is answered one and all: found, refused, or told to wait."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Sequence
from contextlib import suppress
from xml.etree.ElementTree import Element

import pytest
import structlog

from aiox.kernel.avatar import Image
from aiox.kernel.ids import AgentId, agent_id_of
from aiox.kernel.jid import BareJid
from component.enquiries import REQUEST_BURST, WAITING, Enquiries, Known, answer, asks_registry
from component.features.acd import ACD
from component.features.avatar import AVATAR_DATA, AVATAR_METADATA, PUBSUB, picture_hash
from component.features.caps import NODE
from component.features.disco import AGENT_VER, DIRECTORY, INFO, ITEMS
from component.queries import answer_query
from component.stanza_xml import to_text
from registry.cards import Card, Entry, Listing, Page
from tests.integration.component.door import card_of
from tests.unit.component.fakes import FakeLink, HandClock, no_picture, nobody, settle
from tests.unit.component.stanzas import AGENT, ALICE, parse

SEEN = agent_id_of(AGENT.partition("@")[0])
HUB = "agents.hub.test"
PICTURE = Image("image/png", b"\x89PNG\r\n\x1a\n")
CARD = card_of(SEEN, jid=AGENT, name="Ada <3", description="one\ntwo", avatar=PICTURE.ref, digest="ab" * 32, version=3)


def ask(inner: str, to: str = AGENT, kind: str = "get", sender: str = ALICE) -> Element:
    return parse(f'<iq from="{sender}" to="{to}" type="{kind}" id="a1">{inner}</iq>')


async def no_descriptor(_agent: AgentId, _asker: BareJid) -> None:
    return None


async def cards(asked: Sequence[tuple[AgentId, BareJid]]) -> list[Card | None]:
    return [CARD if one == (SEEN, "alice@hub.test") else None for one in asked]


async def picture(agent: AgentId, asker: BareJid) -> Image | None:
    return PICTURE if (agent, asker) == (SEEN, "alice@hub.test") else None


asked_pages: list[tuple[str, str, Page]] = []


async def visible(jid: BareJid, text: str, page: Page) -> Listing:
    asked_pages.append((jid, text, page))
    return Listing((Entry(BareJid(AGENT), "Ada"), Entry(BareJid("b@x"), "B")), 7) if page.limit else Listing((), 7)


KNOWN = Known(no_descriptor, cards, picture, visible)


async def answered(query: Element) -> str:
    assert asks_registry(query)
    reply = await answer(query, KNOWN)
    assert reply is not None
    return to_text(reply)


async def test_an_agent_names_itself_to_who_may_see_it() -> None:
    text = await answered(ask(f'<query xmlns="{INFO}"/>'))
    assert '<identity category="client" type="bot" name="Ada &lt;3"/>' in text
    assert '<identity category="automation" type="agent-endpoint" name="Ada &lt;3"/>' in text
    digest = base64.b64encode(bytes.fromhex("ab" * 32)).decode()
    for name, values in {
        "FORM_TYPE": "<value>urn:xmpp:agent-endpoint-info:0</value>",
        "server_title": "<value>Ada &lt;3</value>",
        "description": "<value>one</value><value>two</value>",
        "version": "<value>3</value>",
        "manifest_hash_value": f"<value>{digest}</value>",
        "cold_start_supported": "<value>1</value>",
        "request_replay_seconds": "<value>604800</value>",
    }.items():
        assert f'var="{name}"' in text
        assert values in text


async def test_hidden_and_unknown_agents_describe_themselves_alike() -> None:
    hidden = await answered(ask(f'<query xmlns="{INFO}"/>', sender="eve@hub.test/x"))
    unknown = await answered(ask(f'<query xmlns="{INFO}"/>', to=f"nobody@{HUB}", sender="eve@hub.test/x"))
    assert hidden.replace(AGENT, "*") == unknown.replace(f"nobody@{HUB}", "*")
    assert "Ada" not in hidden
    assert 'name="AIOX agent"' in hidden


async def test_capabilities_are_those_of_the_answer_with_their_node() -> None:
    """XEP-0115, 5.4: whoever computes the hash over what the node says must come to it."""
    node = f"{NODE}#{AGENT_VER}"
    reply = answer_query(ask(f'<query xmlns="{INFO}" node="{node}"/>', to=f"nobody@{HUB}"))
    assert reply is not None
    info = reply[0]
    assert info.get("node") == node
    identity = next(one for one in info if one.tag.endswith("identity"))
    features = sorted(one.get("var", "") for one in info if one.tag.endswith("feature"))
    text = f"{identity.get('category')}/{identity.get('type')}//{identity.get('name')}<" + "".join(
        f"{one}<" for one in features
    )
    assert base64.b64encode(hashlib.sha1(text.encode()).digest()).decode() == AGENT_VER  # noqa: S324 -- XEP-0115
    wrong = answer_query(ask(f'<query xmlns="{INFO}" node="{NODE}#old"/>'))
    assert wrong is not None
    assert "item-not-found" in to_text(wrong)


async def test_vcards_say_who_it_is_and_that_it_is_no_person() -> None:
    temp, four = [await answered(ask(inner)) for inner in (
        '<vCard xmlns="vcard-temp"/>', '<vcard xmlns="urn:ietf:params:xml:ns:vcard-4.0"/>'
    )]  # fmt: skip
    data = base64.b64encode(PICTURE.data).decode()
    assert "<FN>Ada &lt;3</FN>" in temp
    assert f"<TYPE>image/png</TYPE><BINVAL>{data}</BINVAL>" in temp
    assert "<KEYWORD>maths</KEYWORD>" in temp
    assert "<kind><text>application</text></kind>" in four
    assert f"<photo><uri>data:image/png;base64,{data}</uri></photo>" in four
    for text in (temp, four):
        assert "not from a person" in text
        assert "AI agent" in text


@pytest.mark.parametrize("inner", [
    '<vCard xmlns="vcard-temp"/>',
    '<vcard xmlns="urn:ietf:params:xml:ns:vcard-4.0"/>',
    f'<pubsub xmlns="{PUBSUB}"><items node="{AVATAR_DATA}"/></pubsub>',
    f'<pubsub xmlns="{PUBSUB}"><items node="{AVATAR_METADATA}"/></pubsub>',
])  # fmt: skip
async def test_hidden_and_unknown_agents_have_the_same_nothing(inner: str) -> None:
    hidden = await answered(ask(inner, sender="eve@hub.test/x"))
    unknown = await answered(ask(inner, to=f"nobody@{HUB}", sender="eve@hub.test/x"))
    assert hidden.replace(AGENT, "*") == unknown.replace(f"nobody@{HUB}", "*")
    assert 'type="error"' in hidden


async def test_the_avatar_is_served_under_its_hash() -> None:
    name = picture_hash(PICTURE)
    metadata = await answered(ask(f'<pubsub xmlns="{PUBSUB}"><items node="{AVATAR_METADATA}"/></pubsub>'))
    assert f'<info bytes="8" id="{name}" type="image/png"/>' in metadata
    one = f'<item id="{name}"/>'
    data = await answered(ask(f'<pubsub xmlns="{PUBSUB}"><items node="{AVATAR_DATA}">{one}</items></pubsub>'))
    assert base64.b64encode(PICTURE.data).decode() in data
    other = f'<pubsub xmlns="{PUBSUB}"><items node="{AVATAR_DATA}"><item id="00"/></items></pubsub>'
    assert "item-not-found" in await answered(ask(other))


@pytest.mark.parametrize("node", ["", f' node="{DIRECTORY}"'])
async def test_the_directory_lists_a_page(node: str) -> None:
    rsm = "http://jabber.org/protocol/rsm"
    wanted = f'<set xmlns="{rsm}"><max>2</max><after>a@x</after></set>'
    text = await answered(ask(f'<query xmlns="{ITEMS}"{node}>{wanted}</query>', to=HUB))
    assert asked_pages[-1] == ("alice@hub.test", "", Page(2, after="a@x"))
    assert f'<item jid="{AGENT}" name="Ada"/><item jid="b@x" name="B"/>' in text
    assert f'<set xmlns="{rsm}"><first>{AGENT}</first><last>b@x</last><count>7</count></set>' in text
    count_only = await answered(ask(f'<query xmlns="{ITEMS}"><set xmlns="{rsm}"><max>0</max></set></query>', to=HUB))
    assert f'<set xmlns="{rsm}"><count>7</count></set>' in count_only
    wrong = await answered(ask(f'<query xmlns="{ITEMS}"><set xmlns="{rsm}"><max>-1</max></set></query>', to=HUB))
    assert "bad-request" in wrong


async def test_the_last_page_is_asked_for_with_an_empty_before() -> None:
    rsm = "http://jabber.org/protocol/rsm"
    await answered(ask(f'<query xmlns="{ITEMS}"><set xmlns="{rsm}"><max>500</max><before/></set></query>', to=HUB))
    assert asked_pages[-1][2] == Page(100, backwards=True)


async def test_search_has_a_form_and_finds_by_name() -> None:
    search = "jabber:iq:search"
    form = await answered(ask(f'<query xmlns="{search}"/>', to=HUB))
    assert "<nick/>" in form
    assert "<value>jabber:iq:search</value>" in form
    old = await answered(ask(f'<query xmlns="{search}"><nick> Ad </nick></query>', to=HUB, kind="set"))
    assert asked_pages[-1][1] == "Ad"
    assert f'<item jid="{AGENT}"><nick>Ada</nick></item>' in old
    filled = '<x xmlns="jabber:x:data" type="submit"><field var="nick"><value>Ad</value></field></x>'
    new = await answered(ask(f'<query xmlns="{search}">{filled}</query>', to=HUB, kind="set"))
    assert f'<item><field var="jid"><value>{AGENT}</value></field>' in new
    assert '<reported><field var="jid" type="jid-single" label="Address"/>' in new
    assert "<count>7</count>" in new


# ---- the desk ----


def request(number: int, sender: str = "alice@hub.test/phone") -> Element:
    return parse(f'<iq from="{sender}" to="{AGENT}" type="get" id="a{number}"><acd xmlns="{ACD}"/></iq>')


async def broken(_agent: AgentId, _asker: BareJid) -> None:
    raise OSError("the registry is away")


def desk(link: FakeLink, descriptor: object = no_descriptor) -> Enquiries:
    known = Known(descriptor, nobody, no_picture, visible)  # type: ignore[arg-type]
    return Enquiries(known, link.send, HandClock(), structlog.get_logger())


async def worked(enquiries: Enquiries) -> None:
    task = asyncio.ensure_future(enquiries.work())
    await settle()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_store_that_is_away_shows_nothing_and_is_said() -> None:
    link = FakeLink()
    enquiries = desk(link, broken)
    enquiries.receive(request(1))
    await worked(enquiries)
    assert "internal-server-error" in link.sent[0]


async def test_who_asks_too_often_is_told_to_wait_and_others_are_answered() -> None:
    link = FakeLink()
    enquiries = desk(link)
    for number in range(REQUEST_BURST + 1):
        enquiries.receive(request(number))
    assert len(link.sent) == 1
    assert "resource-constraint" in link.sent[0]
    enquiries.receive(request(0, "bob@hub.test/x"))
    await worked(enquiries)
    assert sum("item-not-found" in sent for sent in link.sent) >= 40


async def test_what_waits_is_bounded() -> None:
    link = FakeLink()
    enquiries = desk(link)
    for number in range(WAITING + 5):
        enquiries.receive(request(number, f"u{number}@hub.test/x"))
    assert len(link.sent) == 5
