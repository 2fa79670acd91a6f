"""Two whole hubs: strangers at first, then introduced, and each still master in its own house."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import pytest

from aiox.cli import peers as shell
from aiox.cli.peers import Given
from aiox.commands import create_agent
from bench.stub_model import StubModel, stub_model
from setup.prove import note
from tests.e2e import between_hubs
from tests.e2e.between_hubs import thinking_with
from tests.e2e.database import superuser
from tests.e2e.impostor import Identity, Impostor, impostor
from tests.e2e.neighbours import SEES, Neighbours, neighbours, until
from tests.e2e.people import ROOMY, ROOMY_ACCOUNT, answer_to, body_of, online, shape
from tests.e2e.raw_client import RawClient, device
from tests.stack import Account, RunningHub

ITEMS = "http://jabber.org/protocol/disco#items"


@pytest.fixture(scope="module")
async def model() -> AsyncIterator[StubModel]:
    async with stub_model() as stub:
        yield stub


@pytest.fixture(scope="module")
async def hubs(model: StubModel) -> AsyncIterator[Neighbours]:
    async with neighbours(more=thinking_with(model)) as two:
        yield two


async def listed(client: RawClient, domain: str) -> set[str]:
    """The directory of a hub's agents, as this client sees it."""
    reply = await client.ask(domain, f"<query xmlns='{ITEMS}'/>")
    return {str(one.get("jid")) for one in reply.iter(f"{{{ITEMS}}}item")}


async def until_let_in(client: RawClient, domain: str) -> None:
    """A stranger's question gets no answer; this one asks until it has become none."""
    async with asyncio.timeout(60):
        while True:
            client.send(f"<iq type='get' to='{domain}' id='look'><query xmlns='{ITEMS}'/></iq>")
            await asyncio.sleep(0.5)
            if any(got.get("id") == "look" and got.get("type") == "result" for got in client.got):
                return


async def agents_of(hub: RunningHub, owner: Account, guest: str) -> dict[str, create_agent.AgentCreated]:
    """One that is shared with this guest, one that is public, one that is the owner's alone."""
    return {
        "shared": await hub.agent(owner, name="Shared", visibility="shared", shared_with=[guest], governance=ROOMY),
        "public": await hub.agent(owner, name="Public", visibility="public", governance=ROOMY),
        "private": await hub.agent(owner, name="Private", governance=ROOMY),
    }


async def test_two_hubs_become_neighbours(hubs: Neighbours) -> None:
    here, there = hubs.a, hubs.b
    ada, bob = await here.account(quota=ROOMY_ACCOUNT), await there.account()
    agents = await agents_of(here, ada, bob.jid)
    shared, domain = agents["shared"].jid, here.settings.agents_domain
    async with device(there, bob) as phone:
        await _is_refused_once(phone, shared, agents["public"].jid)
        asked = await shell.introductions(here.settings)
        assert "b.test" in asked
        assert "b.test: see, invoke (certificate)" in await shell.accept(here.settings, "b.test", SEES)
        await until_let_in(phone, domain)
        assert await listed(phone, domain) == {shared, agents["public"].jid}
        await _becomes_a_contact(phone, shared)
        await _may_not_spend(phone, shared, agents["private"].jid)
        used = await _talks(here, phone, shared)
        await _reads_when_the_budget_resets(here, phone, shared, used)
    async with online(here, ada) as owner:
        assert await answer_to(owner, shared, "And me?"), "the peer's budget is the peer's"
    await _stands_on_record(here)


async def _is_refused_once(phone: RawClient, shared: str, public: str) -> None:
    phone.send(f"<message type='chat' to='{shared}' id='m1'><body>hello</body></message>")
    error = shape(await phone.until(lambda got: got.get("type") == "error" and got.get("id") == "m1"), hide=())
    assert "PEER_UNKNOWN" in error
    assert "registration-required" in error
    for number, to in enumerate((shared, public, shared)):
        phone.send(f"<message type='chat' to='{to}' id='again-{number}'><body>hello?</body></message>")
    phone.send(f"<presence type='subscribe' to='{shared}'/>")


async def _becomes_a_contact(phone: RawClient, shared: str) -> None:
    phone.send(f"<presence type='subscribe' to='{shared}'/>")
    await phone.presence(shared, "subscribed")
    await phone.until(lambda got: "I am Shared" in body_of(got))
    silent = [got for got in phone.got if (got.get("id") or "").startswith("again-")]
    assert silent == [], "a stranger hears no more than one refusal"


async def _may_not_spend(phone: RawClient, shared: str, private: str) -> None:
    phone.send(f"<message type='chat' to='{private}' id='m2'><body>hello</body></message>")
    hidden = shape(await phone.until(lambda got: got.get("id") == "m2"), hide=())
    assert "ACCESS_DENIED" in hidden
    phone.send(f"<message type='chat' to='{shared}' id='m3'><body>hello</body></message>")
    refused = shape(await phone.until(lambda got: got.get("id") == "m3" and got.get("type") == "error"), hide=())
    assert "QUOTA_EXCEEDED" in refused
    assert "b.test" in refused


async def _talks(hub: RunningHub, phone: RawClient, shared: str) -> int:
    """Says something that is answered; what that has cost the peer."""
    await shell.allow(hub.settings, "b.test", {"spend": True})
    phone.send(f"<message type='chat' to='{shared}' id='m4'><body>hello</body><thread>t4</thread></message>")
    await phone.until(lambda got: got.findtext("{*}thread") == "t4" and bool(body_of(got)))
    shown = await shell.show(hub.settings, "b.test")
    used = int(next(line for line in shown.splitlines() if line.startswith("tokens a day")).rpartition(" ")[2])
    assert used > 0
    return used


async def _reads_when_the_budget_resets(hub: RunningHub, phone: RawClient, shared: str, used: int) -> None:
    await shell.allow(hub.settings, "b.test", {"tokens_per_day": used + 1})
    phone.send(f"<message type='chat' to='{shared}' id='m5'><body>hello again, whoever you are</body></message>")
    error = shape(await phone.until(lambda got: got.get("id") == "m5" and got.get("type") == "error"), hide=())
    assert f"The limit of {used + 1} tokens (peer b.test, per day) is used up. It resets in" in error


async def _stands_on_record(hub: RunningHub) -> None:
    async with superuser(hub) as connection:
        rows = await connection.fetch(
            "SELECT event_type FROM audit_logs WHERE details ->> 'peer' = 'b.test' OR details ->> 'name' = 'b.test'"
            " ORDER BY seq"
        )
    assert [row["event_type"] for row in rows] == [
        *("peer.knocked", "introduction.accepted", "peer.allowed", "peer.allowed")
    ]


async def test_a_peer_that_is_blocked_hears_nothing_of_the_hub_any_more(hubs: Neighbours) -> None:
    here, there = hubs.b, hubs.a
    ada, bob = await here.account(quota=ROOMY_ACCOUNT), await there.account()
    agent = await here.agent(ada, name="Open", visibility="public", governance=ROOMY)
    async with pushed(here):
        await shell.add(here.settings, "a.test", SEES)
    async with device(there, bob) as phone:
        await until_let_in(phone, here.settings.agents_domain)
        assert await listed(phone, here.settings.agents_domain) == {agent.jid}
        async with pushed(here):
            await shell.block(here.settings, "a.test")
        phone.send(f"<message type='chat' to='{agent.jid}' id='late'><body>hello</body></message>")
        async with pushed(here):
            await shell.allow(here.settings, "a.test", {})
        phone.got.clear()
        await until_let_in(phone, here.settings.agents_domain)
        assert await listed(phone, here.settings.agents_domain) == {agent.jid}
        assert [got for got in phone.got if got.get("id") == "late"] == [], "nobody has answered that"
    await shell.remove(here.settings, "a.test")


@asynccontextmanager
async def pushed(hub: RunningHub) -> AsyncIterator[None]:
    """What changes within it, the hub's XMPP server has read behind it."""
    log = hub.home.log_file("up")
    before = log.read_text().count("peers_pushed")
    yield
    await until(lambda: log.read_text().count("peers_pushed") > before)


async def stanzas_from_elsewhere(hub: RunningHub) -> float:
    """What the hub's component has seen of other servers."""
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"http://127.0.0.1:{hub.settings.ports.component_health}/metrics")).text
    lines = [line for line in text.splitlines() if line.startswith("aiox_peer_stanzas_total{")]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def meet(hubs: Neighbours, me: str) -> AbstractAsyncContextManager[Impostor]:
    """A server in the name of `me` at the first hub's door."""
    wanted = hubs.a.settings.federation
    return impostor(wanted.address, wanted.port, me, hubs.a.settings.domain)


async def by_certificate(hubs: Neighbours, me: str, identity: Identity | None) -> bool:
    """Whether a server with this certificate is taken for `me`."""
    async with meet(hubs, me) as server:
        await server.greet()
        await server.encrypt(identity)
        return await server.external()


async def by_dialback(hubs: Neighbours, me: str, *, encrypted: bool) -> bool:
    """Whether a server is taken for `me` because a name server, or nobody, says so."""
    async with meet(hubs, me) as server:
        await server.greet()
        if encrypted:
            await server.encrypt(None)
        return await server.dialback("37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643")


async def by_plain_words(hubs: Neighbours, me: str) -> bool:
    """Whether a message without any proof gets through."""
    async with meet(hubs, me) as server:
        await server.greet()
        before = await stanzas_from_elsewhere(hubs.a)
        await server.message(f"bob@{me}", hubs.a.settings.agents_domain)
        return await stanzas_from_elsewhere(hubs.a) != before


async def test_eight_servers_that_are_not_who_they_say_are_not_believed(hubs: Neighbours) -> None:
    one, ours, theirs = "c.test", hubs.authority, hubs.authority_of(hubs.b)
    another = hubs.identity(one, one, issuer=hubs.another_authority())
    async with b_is_pinned(hubs):
        tried = {
            "wrong certificate": await by_certificate(hubs, one, another),
            "none": await by_certificate(hubs, one, None),
            "expired": await by_certificate(hubs, one, hubs.identity(one, one, days=-1)),
            "other name": await by_certificate(hubs, one, hubs.identity("evil.test", "evil.test")),
            "changed key": await by_certificate(hubs, "b.test", hubs.identity("b.test", "b.test", issuer=ours)),
            "another hub's pin": await by_certificate(hubs, one, hubs.identity(one, one, issuer=theirs)),
            "dialback only": await by_dialback(hubs, one, encrypted=True),
            "plain text": await by_dialback(hubs, one, encrypted=False) or await by_plain_words(hubs, one),
        }
    assert {name for name, believed in tried.items() if believed} == set()
    note("8 kinds of servers that are not who they say: 0 believed")


@pytest.mark.control
async def test_the_same_with_the_right_certificates_are_believed(hubs: Neighbours) -> None:
    """So it is the certificate, its name, its dates and the pin that stopped the others."""
    one, ours, theirs = "c.test", hubs.authority, hubs.authority_of(hubs.b)
    assert await by_certificate(hubs, one, hubs.identity(one, one))
    assert await by_certificate(hubs, "b.test", hubs.identity("b.test", "b.test", issuer=ours)), "there is no pin yet"
    assert await by_certificate(hubs, one, hubs.identity(one, one, issuer=theirs)), "nor has this authority a domain"
    async with b_is_pinned(hubs):
        assert await by_certificate(hubs, "b.test", hubs.identity("b.test", "b.test", issuer=theirs))


@asynccontextmanager
async def b_is_pinned(hubs: Neighbours) -> AsyncIterator[None]:
    """Within it the first hub's server believes the second with its own authority only."""
    own = hubs.b.home.secrets("xmpp").path("ca.crt")
    async with pushed(hubs.a):
        await shell.add(hubs.a.settings, "b.test", Given(True, True, False, None, None, own, False, ""))
    try:
        yield
    finally:
        async with pushed(hubs.a):
            await shell.remove(hubs.a.settings, "b.test")


@pytest.mark.parametrize("senders", [10, pytest.param(1_000, marks=pytest.mark.prove)])
async def test_a_server_speaks_for_its_own_people_only(hubs: Neighbours, senders: int) -> None:
    """Each of the names it borrows is another one: of a peer, of our own people, of nobody."""
    identity, before = hubs.identity("c.test", "c.test"), await stanzas_from_elsewhere(hubs.a)
    to = f"agent-1@{hubs.a.settings.agents_domain}"
    for number in range(senders):
        borrowed = ("b.test", hubs.a.settings.domain, "agents.b.test", "c.test.evil", "xc.test")[number % 5]
        async with meet(hubs, "c.test") as server:
            await server.greet()
            await server.encrypt(identity)
            assert await server.external()
            said = await server.message(f"u{number}@{borrowed}", to)
            assert "stream:error" in said, borrowed
    assert await stanzas_from_elsewhere(hubs.a) == before
    note(f"{senders} borrowed senders: 0 let in")


async def test_two_hubs_work_as_one(hubs: Neighbours, model: StubModel) -> None:
    """Last of all here: at the end one of them rewrites its ledger, and is found out."""
    here, there = hubs.a, hubs.b
    await between_hubs.introduced(here, there)
    await between_hubs.asks_the_other(here, there, model)
    await between_hubs.asks_the_other(there, here, model)
    await between_hubs.goes_no_circle(here, there, model)
    await between_hubs.is_cosigned(here, there, hubs.folder)
    await between_hubs.is_cosigned(there, here, hubs.folder)
    await between_hubs.rewritten(here)
    await between_hubs.is_found_out(here, there)
