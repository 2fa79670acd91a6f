"""A person's data, handed out whole and erased whole, on real stores; the XMPP server is a fake that keeps count."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from uuid import uuid4

import pytest
from argon2 import PasswordHasher

from aiox.commands import erase_person, export_person, preferences, put_document
from aiox.commands.erase_person import Erased
from aiox.commands.export_person import WhichPerson
from aiox.commands.hub import Actor
from aiox.commands.passwords import Passwords
from aiox.commands.people import HouseRules, People
from aiox.commands.preferences import SetPreferences
from aiox.commands.put_document import PutDocument
from aiox.commands.second_factor import WithPassword
from aiox.kernel.account import QuotaConfig
from aiox.kernel.agent import AgentSpec
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import HUB_OWNER, AgentId, OwnerId
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from aiox.kernel.preferences import Tone
from aiox.runtime.keyring import CannotOpen, Place
from aiox.runtime.postgres import owner_scope
from aiox.runtime.xmpp_server import XmppServerTrouble
from registry import accounts, erasures, tenants
from tests.integration.gateway.door import Letterbox, XmppServer
from tests.stores import NOW, Stores

PASSWORD = "correct horse battery"
OPERATOR = Actor(HUB_OWNER, BareJid("operator@localhost"))
PASSWORDS = Passwords(PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1))


@dataclass
class Outside(XmppServer):
    """The XMPP server and the post of a hub, in memory."""

    removed: list[str] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    broken: bool = False

    def __post_init__(self) -> None:
        XmppServer.__init__(self)

    async def remove(self, jid: BareJid) -> None:
        if self.broken:
            raise XmppServerTrouble("it is away")
        self.removed.append(jid)

    async def forget(self, to: str, _jid: str) -> None:
        self.forgotten.append(to)

    @property
    def people(self) -> People:
        return People(PASSWORDS, self, Letterbox().put, HouseRules(steady_s=0), b"r" * 32, self.forget)


@dataclass
class Life:
    """An account with an agent, a document, preferences; and turns with its own agent and with a stranger's."""

    actor: Actor
    agent: AgentId
    other: Actor
    others_agent: AgentId
    secret: str
    guest: str


async def spoke(stores: Stores, owner: Actor, agent: AgentId, subject: str, text: str) -> None:
    """A turn on record and a fact remembered, as a conclusion and a worker leave them."""
    execution = uuid4()
    ring = await tenants.load_ring(stores.pools["gateway"], stores.keys, owner.owner)
    sealed = [
        ring.seal(text.encode(), Place(owner.owner, "executions", column, execution)) for column in ("input", "output")
    ]
    async with stores.superuser() as connection:
        await connection.execute(
            "INSERT INTO executions (id, owner_user_id, agent_id, subject_jid, input, output, outcome, tokens_used,"
            " tools_called, worker_id, duration_ms, platform_latency_ms, worker_latency_ms, scoring, correlation_id,"
            " created_at) VALUES ($1, $2, $3, $4, $5, $6, 'answered', 7, '[]', 'w', 1, 1, 1, '{}', $7, $8)",
            execution, owner.owner, agent, subject, *sealed, uuid4(), NOW,
        )  # fmt: skip
        await connection.execute(
            "INSERT INTO agent_memories (id, owner_user_id, agent_id, scope, subject_jid, kind, content, created_at)"
            " VALUES ($1, $2, $3, 'subject', $4, 'fact', $5, $6)",
            uuid4(), owner.owner, agent, subject, text, NOW,
        )  # fmt: skip


@pytest.fixture
async def life(stores: Stores) -> Life:
    actor = await stores.account(await PASSWORDS.hash(PASSWORD))
    other = await stores.account()
    secret = f"secret {uuid4().hex}"
    agent = await stores.agent(actor)
    others_agent = await stores.agent(other, AgentSpec.model_validate(_named("Bob")), shared_with=(actor.jid,))
    document = PutDocument(agent_id=agent, title="t", source="s", content=f"{secret} document")
    assert not isinstance(await put_document.run(stores.hub, actor, document), Refused)
    await preferences.put(stores.hub, actor, SetPreferences(tone=Tone.FORMAL))
    await spoke(stores, actor, agent, actor.jid, f"{secret} own")
    await spoke(stores, other, others_agent, actor.jid, f"{secret} guest")
    guest = f"{uuid4().hex}@peer.example"
    await spoke(stores, actor, agent, guest, "words of a guest")
    return Life(actor, agent, other, others_agent, secret, guest)


def _named(name: str) -> dict[str, object]:
    fields = AgentSpec.model_fields
    return {"profile": {"name": name}} if "profile" in fields else {"name": name}


async def exported(stores: Stores, actor: Actor, jid: str = "") -> dict[str, object]:
    fields = WhichPerson(jid=jid) if jid else None
    pieces = await export_person.run(stores.hub, actor, fields)
    assert not isinstance(pieces, Refused)
    found: dict[str, object] = json.loads(b"".join([piece async for piece in pieces]))
    return found


async def everything(stores: Stores) -> str:
    """The whole database as text, the ledger apart."""
    async with stores.superuser() as connection:
        tables = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = 'aiox'::regnamespace AND relkind IN ('r', 'p')"
            " AND NOT relispartition AND relname <> 'audit_logs'"
        )
        texts = [
            await connection.fetchval(f"SELECT string_agg(to_jsonb(t)::text, ' ') FROM aiox.{table[0]} t")  # noqa: S608
            for table in tables
        ]
    return "\n".join(map(str, texts))


async def test_the_export_has_everything_of_the_person_and_no_words_of_others(stores: Stores, life: Life) -> None:
    found = await exported(stores, life.actor)
    text = json.dumps(found)
    for part in ("document", "own", "guest"):
        assert f"{life.secret} {part}" in text
    assert "words of a guest" not in text
    assert life.guest in text, "that a guest was there is the owner's to know"
    assert isinstance(found["account"], dict)
    assert found["account"]["email"]
    assert json.loads(json.dumps(found["preferences"]))[0]["tone"] == "formal"
    assert "Be kind." in text, "the prompt of the own agent, opened"
    assert "$argon2" not in text


async def test_a_guest_gets_what_stands_about_them(stores: Stores, life: Life) -> None:
    found = await exported(stores, OPERATOR, life.guest)
    assert found["account"] is None
    assert "words of a guest" in json.dumps(found["turns"])
    assert "words of a guest" in json.dumps(found["memories"])
    assert life.secret not in json.dumps(found)


async def test_erasing_needs_the_password(stores: Stores, life: Life) -> None:
    outside = Outside()
    wrong = WithPassword.model_validate({"password": "wrong horse battery"})
    refused = await erase_person.run(stores.hub, life.actor, wrong, outside.people)
    assert isinstance(refused, Refused)
    assert refused.code is ErrorCode.PASSWORD_WRONG
    assert outside.removed == []
    assert await accounts.is_active(stores.pools["gateway"], life.actor.owner)


async def test_after_it_nothing_is_readable_and_the_others_lose_nothing(stores: Stores, life: Life) -> None:
    ring = await tenants.load_ring(stores.pools["gateway"], stores.keys, life.actor.owner)
    assert ring is not None
    outside = Outside()
    done = await erase_person.run(
        stores.hub, life.actor, WithPassword.model_validate({"password": PASSWORD}), outside.people
    )
    assert isinstance(done, Erased)
    assert done.rows > 5
    assert outside.removed == [life.actor.jid] * 2
    assert set(outside.forgotten) == {f"{life.actor.owner}@example.org"}
    dump = await everything(stores)
    assert life.secret not in dump
    assert f"{life.actor.owner}@example.org" not in dump
    async with stores.superuser() as connection:
        kept = await connection.fetchrow(
            "SELECT subject_jid, input, tokens_used FROM executions WHERE agent_id = $1", life.others_agent
        )
        assert kept is not None
        assert tuple(kept) == ("erased", None, 7)
        assert (
            await connection.fetchval("SELECT count(*) FROM tenant_keys WHERE owner_user_id = $1", life.actor.owner)
            == 0
        )
    assert not await accounts.is_active(stores.pools["gateway"], life.actor.owner)
    with pytest.raises(tenants.TenantKeyMissing):
        await tenants.load_ring(stores.pools["gateway"], stores.keys, life.actor.owner)
    async with owner_scope(stores.pools["gateway"], life.other.owner) as connection:
        assert await connection.fetchval("SELECT count(*) FROM agents") == 1


@pytest.mark.control
async def test_a_stolen_row_of_an_erased_tenant_does_not_open_without_its_key(stores: Stores, life: Life) -> None:
    """Crypto-shredding: a backup's ciphertext is noise once the wrapped key is gone; with the key it opens."""
    ring = await tenants.load_ring(stores.pools["gateway"], stores.keys, life.actor.owner)
    place = Place(life.actor.owner, "executions", "input", uuid4())
    sealed = ring.seal(b"text", place)
    assert ring.open(sealed, place) == b"text"
    with pytest.raises(CannotOpen):
        stores.keys.open(sealed, place)


async def test_the_address_is_never_given_again(stores: Stores, life: Life) -> None:
    await erase_person.run_for(stores.hub, OPERATOR, WhichPerson(jid=life.actor.jid), Outside().people)
    again = accounts.NewAccount(
        OwnerId(uuid4()), f"{uuid4()}@example.org", life.actor.jid, "a hash", QuotaConfig(), NOW
    )
    with pytest.raises(accounts.AccountExists):
        await accounts.create(stores.pools["gateway"], stores.keys, again)


async def test_a_server_that_is_away_leaves_everything_as_it_was(stores: Stores, life: Life) -> None:
    with pytest.raises(XmppServerTrouble):
        await erase_person.run(
            stores.hub, life.actor, WithPassword.model_validate({"password": PASSWORD}), Outside(broken=True).people
        )
    assert await accounts.is_active(stores.pools["gateway"], life.actor.owner)
    assert life.secret in json.dumps(await exported(stores, life.actor))


async def test_a_guest_can_be_erased_and_come_back_later(stores: Stores, life: Life) -> None:
    jid = BareJid(life.guest)
    done = await erase_person.run_for(stores.hub, OPERATOR, WhichPerson(jid=jid), Outside().people)
    assert isinstance(done, Erased)
    assert life.guest not in (await everything(stores)).replace(f'"jid": "{jid}"', "")
    async with stores.superuser() as connection:
        assert await connection.fetchval("SELECT is_erased(NULL, $1)", jid)
        await connection.execute("UPDATE erasures SET closed_until = now() WHERE jid = $1", jid)
        assert not await connection.fetchval("SELECT is_erased(NULL, $1)", jid)
    assert life.secret in json.dumps(await exported(stores, life.actor)), "the owner keeps their own"


async def test_one_that_broke_off_is_found_and_ended(stores: Stores, life: Life) -> None:
    person = await erasures.find_person(stores.pools["gateway"], life.actor.jid)
    erasure = uuid4()
    await erasures.begin(stores.pools["gateway"], erasure, person)
    pool = stores.pools["orchestrator"]
    (found,) = [one for one in await erasures.find_open(pool) if one.id == erasure]
    assert not found.erased
    await erasures.finish(pool, erasure)
    assert erasure in {one.id for one in await erasures.find_open(pool)}, "never finished before it is erased"
    assert await erasures.erase(pool, found.person) > 0
    assert life.secret not in await everything(stores)
    await erasures.finish(pool, erasure)
    assert erasure not in {one.id for one in await erasures.find_open(pool)}
    assert life.actor.jid not in await everything(stores)
