"""Two whole hubs: strangers at first, then introduced, and each still master in its own house."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4, uuid5

import pytest

from aiox.cli import peers as shell
from aiox.cli.hubs import keys as shown_keys
from aiox.cli.peers import Given
from aiox.commands import create_agent
from bench.stub_model import StubModel, stub_model
from component.peers import STRANGER
from setup.prove import note
from tests.e2e import between_hubs
from tests.e2e.acquainted import HONEST, THIEF, Acquainted, acquainted
from tests.e2e.between_hubs import thinking_with
from tests.e2e.database import superuser
from tests.e2e.fakes import by_certificate, by_dialback, by_plain_words, meet, stanzas_from_elsewhere, until_seen
from tests.e2e.flood import HOSTILE, PEER, flood_of, memory_of, pouring, spent_by
from tests.e2e.local_people import local_people, p95
from tests.e2e.neighbours import SEES, Neighbours, neighbours, pushed, until
from tests.e2e.partition import PATIENCE_S, Break, breaks_of, round_of
from tests.e2e.people import ROOMY, ROOMY_ACCOUNT, answer_to, body_of, online, shape
from tests.e2e.raw_client import RawClient, device
from tests.stack import Account, RunningHub

ITEMS = "http://jabber.org/protocol/disco#items"
TALKATIVE = {"AIOX_LIMITS__MESSAGES_PER_MINUTE": "1000", "AIOX_LIMITS__MESSAGE_BURST": "1000"}
"""A person who has said too much is refused behind the receipt, too: long rounds are not about that."""


@pytest.fixture(scope="module")
async def model() -> AsyncIterator[StubModel]:
    async with stub_model() as stub:
        yield stub


@pytest.fixture(scope="module")
async def hubs(model: StubModel) -> AsyncIterator[Neighbours]:
    async with neighbours(more={**thinking_with(model), **TALKATIVE}) as two:
        yield two


@pytest.fixture(scope="module")
async def met(hubs: Neighbours) -> AsyncIterator[Acquainted]:
    """For the tests behind the first ones, in which nobody has been introduced."""
    async with acquainted(hubs) as known:
        yield known


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
    busy = {**ROOMY, "max_tokens_per_day": 100_000_000, "max_concurrent": 200}
    return {
        "shared": await hub.agent(owner, name="Shared", visibility="shared", shared_with=[guest], governance=ROOMY),
        "public": await hub.agent(owner, name="Public", visibility="public", governance=busy),
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


async def test_eight_servers_that_are_not_who_they_say_are_not_believed(hubs: Neighbours) -> None:
    one, ours, theirs = "c.test", hubs.authority, hubs.authority_of(hubs.b)
    another = hubs.identity(one, one, issuer=hubs.another_authority())
    async with b_is_pinned(hubs):
        tried = {
            "wrong certificate": await by_certificate(hubs, one, another),
            "none": await by_certificate(hubs, one, None),
            "expired": await by_certificate(hubs, one, hubs.identity(one, one, begins=-31)),
            "of a clock ahead": await by_certificate(hubs, one, hubs.identity(one, one, begins=1)),
            "other name": await by_certificate(hubs, one, hubs.identity("evil.test", "evil.test")),
            "changed key": await by_certificate(hubs, "b.test", hubs.identity("b.test", "b.test", issuer=ours)),
            "another hub's pin": await by_certificate(hubs, one, hubs.identity(one, one, issuer=theirs)),
            "dialback only": await by_dialback(hubs, one, encrypted=True),
            "plain text": await by_dialback(hubs, one, encrypted=False) or await by_plain_words(hubs, one),
        }
    assert {name for name, believed in tried.items() if believed} == set()
    note(f"{len(tried)} kinds of servers that are not who they say: 0 believed")


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


BREAKS = [Break(1.0, cut=False, slow=2000.0), Break(2.5, cut=True)]


@pytest.mark.parametrize(
    ("people", "exchanges", "breaks", "again_s"),
    [
        (2, 20, BREAKS, 1.5),
        pytest.param(4, 200, [*BREAKS, *breaks_of(7, 4, 60.0)], 6.0, marks=pytest.mark.prove, id="a_minute"),
        pytest.param(20, 1_000, breaks_of(7, 12, 600.0), 15.0, marks=pytest.mark.prove, id="ten_minutes"),
    ],
)
async def test_what_was_receipted_is_answered_once_whatever_breaks_between_hubs(
    met: Acquainted, people: int, exchanges: int, breaks: list[Break], again_s: float
) -> None:
    patience_s = PATIENCE_S + sum(one.seconds for one in breaks)
    talk = await round_of(met.hubs, people, 5, again_s=again_s, patience_s=patience_s)
    await talk.talk(exchanges, breaks)
    assert await talk.harms() == []
    assert talk.times > len(talk.said), "nothing was on its way when it broke"
    longest = max(one.seconds for one in breaks)
    note(
        f"{len(talk.said)} exchanges, {len(breaks)} breaks, up to {longest:g} s: 0 lost, 0 doubled, {talk.times} tries"
    )


async def test_a_document_of_another_hub_shown_again_is_not_believed(met: Acquainted) -> None:
    """A replayed signature: it is good, and of another hub."""
    log = met.hubs.a.home.log_file("component")
    await until(lambda: _refused_document(log.read_text(), THIEF, "malformed"))
    assert f"{THIEF}, pinned" not in await shown_keys(met.hubs.a.settings)


def _refused_document(log: str, hub: str, reason: str) -> bool:
    lines = [line for line in log.splitlines() if "hub_document_refused" in line]
    return any(hub in line and reason in line for line in lines)


@pytest.mark.control
async def test_control_a_document_of_its_own_is_pinned(met: Acquainted) -> None:
    async with asyncio.timeout(60):
        while f"{HONEST}, pinned" not in await shown_keys(met.hubs.a.settings):
            await asyncio.sleep(0.2)


async def test_an_answer_that_comes_twice_is_delivered_once(met: Acquainted) -> None:
    answer = str(uuid5(uuid4(), "reply:0"))
    assert await _heard_of_twice_sent(met, f"agent-1@agents.{HONEST}/aiox", answer) == 1


@pytest.mark.control
async def test_control_what_is_no_answer_comes_as_often_as_it_is_sent(met: Acquainted) -> None:
    """So it is the id of an answer that ends the second one, and nothing that the server does by itself."""
    assert await _heard_of_twice_sent(met, f"agent-1@agents.{HONEST}/aiox", str(uuid4())) == 2


async def _heard_of_twice_sent(met: Acquainted, sender: str, origin_id: str) -> int:
    """How often one of our people gets what another server sends twice."""
    hub = met.hubs.a
    ada = await hub.account()
    async with device(hub, ada) as phone:
        for number in ("first", origin_id, origin_id, "last"):
            await met.fake.say(
                f"agents.{HONEST}",
                hub.settings.agents_domain,
                f"<message from='{sender}' to='{phone.jid}' type='chat' id='{number}'><body>{number}</body>"
                f"<origin-id xmlns='urn:xmpp:sid:0' id='{number}'/></message>",
            )
            if number in ("first", "last"):
                await phone.until(lambda got, number=number: body_of(got) == number)  # type: ignore[misc]
        return sum(body_of(got) == origin_id for got in phone.got)


async def test_a_message_with_a_stamp_of_another_time_is_like_any_other(met: Acquainted, model: StubModel) -> None:
    """A peer's clock says nothing here: neither what it stamps nor when it asks."""
    hub = met.hubs.a
    ada, bob = await hub.account(quota=ROOMY_ACCOUNT), await met.hubs.b.account()
    agent = await hub.agent(ada, visibility="public", governance=ROOMY)
    async with device(met.hubs.b, bob) as phone:
        for year in (1970, 2099):
            phone.send(
                f"<message type='chat' to='{agent.jid}' id='in-{year}'><body>It is {year}</body><thread>{year}</thread>"
                f"<delay xmlns='urn:xmpp:delay' from='b.test' stamp='{year}-01-01T00:00:00Z'/></message>"
            )
            await phone.until(lambda got, year=year: body_of(got) == f"echo: It is {year}")  # type: ignore[misc]
    concluded = await between_hubs.record_of(hub, "turn.concluded", agent.agent_id)
    assert concluded["created_at"][:4] not in ("1970", "2099")


@pytest.mark.parametrize(
    ("strangers", "messages", "people", "rounds"),
    [(4, 400, 1, 1), pytest.param(500, 100_000, 20, 15, marks=pytest.mark.prove)],
)
async def test_hostile_servers_reach_no_model_and_slow_nobody_down(
    met: Acquainted, model: StubModel, strangers: int, messages: int, people: int, rounds: int
) -> None:
    hub = met.hubs.a
    roomy = {**ROOMY_ACCOUNT, "tokens_per_day": 100_000_000, "max_concurrent_requests": 200}
    agents = await agents_of(hub, await hub.account(quota=roomy), f"bob@{PEER}")
    flood = flood_of(met.hubs, [one.jid for one in agents.values()], strangers, 2 * strangers, messages)
    async with local_people(hub, agents["public"].jid, people) as locals_:
        alone = await locals_.talk(rounds)
        asked, before = len(model.asked), memory_of(hub)
        came = {peer: await stanzas_from_elsewhere(hub, peer) for peer in (STRANGER, PEER)}
        async with pouring(flood, met.hubs.folder) as attacker:
            began = time.monotonic()
            beside = await locals_.talk(rounds)
            while rounds > 1 and attacker.returncode is None:
                beside += await locals_.talk(rounds)
            took = await attacker.wait(), time.monotonic() - began
        grown = {part: size - before[part] for part, size in memory_of(hub).items()}
        await until_seen(hub, PEER, came[PEER] + messages // 2)  # a peer that is known loses nothing
        got_in = await stanzas_from_elsewhere(hub, STRANGER) - came[STRANGER]
    assert took[0] == 0
    assert got_in <= strangers * (10 + took[1] / 5 + 2), "a stranger's server is heard a little at a time"
    # The model was asked by the people here, and to summarise what they said.
    assert [one for one in model.asked[asked:] if any(said in json.dumps(one) for said in HOSTILE)] == []
    assert (await shell.show(hub.settings, PEER)).count("used 0\n") == 2, "no token of this minute, none of this day"
    assert await spent_by(hub, f"@{PEER}", *(f"@{one}" for one in flood.strangers)) == 0
    assert max(grown.values()) < 64 << 20, grown
    said = f"{messages} hostile messages of {strangers} servers and {flood.users} people in {took[1]:.0f} s"
    note(f"{said}: 0 model calls, 0 tokens; p95 {p95(alone):.0f} ms alone, {p95(beside):.0f} beside; memory {grown}")
    assert messages < 100_000 or p95(beside) <= 2 * p95(alone)


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
