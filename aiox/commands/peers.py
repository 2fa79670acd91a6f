"""Other servers: what each may do here, for the hub's admins (SPEC 10). All switches are off until one says otherwise.

What is changed holds at the XMPP door and for budgets within a few seconds; the XMPP server's own list follows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Final

from pydantic import Field, StringConstraints, field_validator

from aiox.commands.fields import Fields
from aiox.commands.gate import authorise_related
from aiox.commands.group_quotas import Tokens
from aiox.commands.hub import Actor, Hub
from aiox.commands.recording import happened
from aiox.commands.refusal import refusal_of
from aiox.commands.users import relation_to_hub
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import HUB_OWNER
from aiox.kernel.outcome import Refused
from aiox.runtime.certificates import NotACertificate, fingerprint
from aiox.runtime.postgres import Connection, owner_scope
from policy.group_quota import GroupKind, GroupLimits
from policy.peers import Peer, Proof, Standing, home_of, own_domains
from registry import group_quotas, peers
from registry.group_quotas import GroupUse, SetBy
from registry.peers import Introduction, PeerRow

UNKNOWN: Final = Refused(ErrorCode.NOT_FOUND, "There is no peer of this name. Mend: aiox peer list", ("P0 unknown",))
NOT_ASKED: Final = Refused(ErrorCode.NOT_FOUND, "Nobody of this domain waits to be introduced.", ("P0 not-asked",))
FULL: Final = Refused(ErrorCode.CONFLICT, f"There are {peers.MOST} peers already. Remove one first.", ("P1 full",))
OURSELVES: Final = Refused(ErrorCode.BODY_INVALID, "name: this is the hub itself, which is no peer.", ("P2 ourselves",))
MAX_CERTIFICATE: Final = 16_384

_LABEL: Final = r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
Domain = Annotated[
    str,
    StringConstraints(to_lower=True, strip_whitespace=True, max_length=253, pattern=rf"^{_LABEL}(\.{_LABEL})*$"),
]
PeerName = Annotated[
    str,
    StringConstraints(
        to_lower=True, strip_whitespace=True, max_length=1024, pattern=rf"^([^@/\s]+@)?{_LABEL}(\.{_LABEL})*$"
    ),
]


class WhichPeer(Fields):
    """A peer by its domain (in ASCII form), or somebody there by bare JID."""

    name: PeerName


class Spend(Fields):
    """How many tokens all of a peer's people may spend together; what is left out is as it is for every peer."""

    tokens_per_minute: Tokens | None = None
    tokens_per_day: Tokens | None = None


class Switches(Spend):
    """What a peer may do, whole: what is left out is off."""

    see: bool = False
    invoke: bool = False
    spend: bool = False
    dialback: bool = Field(
        default=False, description="its name server is proof enough of who it is: only where it has no certificate"
    )
    certificate: Annotated[str, StringConstraints(max_length=MAX_CERTIFICATE)] = Field(
        default="", description="PEM: what its server shows, or what has signed that; nothing else is believed of it"
    )
    note: Annotated[str, StringConstraints(max_length=500)] = ""

    @field_validator("certificate")
    @classmethod
    def _is_one(cls, value: str) -> str:
        if value.strip():
            try:
                fingerprint(value)
            except NotACertificate as wrong:
                raise ValueError(str(wrong)) from None
        return value.strip()


class PutPeer(WhichPeer, Switches):
    """A whole entry."""


class Change(Spend):
    """What is to be another way; what is left out stays. Who was blocked or frozen is allowed again."""

    see: bool | None = None
    invoke: bool | None = None
    spend: bool | None = None
    note: Annotated[str, StringConstraints(max_length=500)] | None = None


class AllowPeer(WhichPeer, Change):
    """Which peer, and what is to be another way."""


class WhichIntroduction(Fields):
    """A domain that has asked to be introduced."""

    domain: Domain


class AcceptIntroduction(WhichIntroduction, Switches):
    """Which domain, and what it may do from now on."""


@dataclass(frozen=True, slots=True)
class PeerShown:
    """A peer as an admin sees it. `certificate` is the SHA-256 of the pinned one, in hex; empty: none is pinned."""

    name: str
    standing: Standing
    see: bool
    invoke: bool
    spend: bool
    proof: Proof
    certificate: str
    note: str
    limits: GroupLimits
    used: GroupUse
    created_at: datetime
    changed_at: datetime


async def list_all(hub: Hub, actor: Actor) -> Sequence[PeerShown] | Refused:
    """All peers, by name."""
    no = await _refused(hub, actor, Action.PEER_LIST)
    if no is not None:
        return no
    async with owner_scope(hub.pool, HUB_OWNER) as connection:
        return [await _shown(hub, connection, row) for row in await peers.list_all(connection)]


async def show(hub: Hub, actor: Actor, fields: WhichPeer) -> PeerShown | Refused:
    """One peer. NOT_FOUND."""
    no = await _refused(hub, actor, Action.PEER_READ)
    if no is not None:
        return no
    async with owner_scope(hub.pool, HUB_OWNER) as connection:
        row = await peers.find(connection, fields.name)
        return UNKNOWN if row is None else await _shown(hub, connection, row)


async def put(hub: Hub, actor: Actor, fields: PutPeer) -> PeerShown | Refused:
    """Adds a peer, or writes its entry anew. BODY_INVALID for the hub itself, CONFLICT when there are too many."""
    no = await _refused(hub, actor, Action.PEER_PUT)
    return no or await _put(hub, actor, "peer.put", fields)


async def allow(hub: Hub, actor: Actor, fields: AllowPeer) -> PeerShown | Refused:
    """Changes some switches of a peer, and lifts a block or a freeze. NOT_FOUND."""
    no = await _refused(hub, actor, Action.PEER_ALLOW)
    if no is not None:
        return no
    async with owner_scope(hub.pool, HUB_OWNER) as connection:
        row = await peers.find(connection, fields.name)
        if row is None:
            return UNKNOWN
        given = fields.model_dump(include={"see", "invoke", "spend"}, exclude_none=True)
        peer = replace(row.peer, standing=Standing.ALLOWED, **given)
        note = row.note if fields.note is None else fields.note
        await _write(hub, connection, peer, row.certificate, note, fields)
    return await _done(hub, actor, "peer.allowed", peer)


async def block(hub: Hub, actor: Actor, fields: WhichPeer) -> PeerShown | Refused:
    """Nothing of this peer is taken or answered any more; one that was not known is put on the list."""
    no = await _refused(hub, actor, Action.PEER_BLOCK)
    if no is not None:
        return no
    if _is_ours(hub, fields.name):
        return OURSELVES
    async with owner_scope(hub.pool, HUB_OWNER) as connection:
        row = await peers.find(connection, fields.name)
        peer = replace(Peer(fields.name) if row is None else row.peer, standing=Standing.BLOCKED)
        certificate, note = ("", "") if row is None else (row.certificate, row.note)
        if not await _write(hub, connection, peer, certificate, note, Spend()):
            return FULL
    return await _done(hub, actor, "peer.blocked", peer)


async def remove(hub: Hub, actor: Actor, fields: WhichPeer) -> Refused | None:
    """Its people are strangers again, its budget is as for every peer. NOT_FOUND."""
    no = await _refused(hub, actor, Action.PEER_REMOVE)
    if no is not None:
        return no
    async with owner_scope(hub.pool, HUB_OWNER) as connection:
        if not await peers.remove(connection, fields.name):
            return UNKNOWN
        await group_quotas.drop(connection, GroupKind.PEER, fields.name)
    await happened(hub, actor, "peer.removed", "warning", about=HUB_OWNER, name=fields.name)
    return None


async def introductions(hub: Hub, actor: Actor) -> Sequence[Introduction] | Refused:
    """The domains that have asked to be introduced, the oldest first."""
    no = await _refused(hub, actor, Action.INTRODUCTION_LIST)
    if no is not None:
        return no
    async with owner_scope(hub.pool, HUB_OWNER) as connection:
        return await peers.introductions(connection, hub.clock.now())


async def accept(hub: Hub, actor: Actor, fields: AcceptIntroduction) -> PeerShown | Refused:
    """Makes a peer of who has asked. NOT_FOUND when nobody of that domain waits, else as `put`."""
    no = await _refused(hub, actor, Action.INTRODUCTION_ACCEPT)
    if no is not None:
        return no
    async with owner_scope(hub.pool, HUB_OWNER) as connection:
        if all(one.domain != fields.domain for one in await peers.introductions(connection, hub.clock.now())):
            return NOT_ASKED
    given = fields.model_dump(exclude={"domain"})
    return await _put(hub, actor, "introduction.accepted", PutPeer(name=fields.domain, **given))


async def decline(hub: Hub, actor: Actor, fields: WhichIntroduction) -> Refused | None:
    """Forgets a request; the domain may ask again, unless it is blocked. NOT_FOUND."""
    no = await _refused(hub, actor, Action.INTRODUCTION_DECLINE)
    if no is not None:
        return no
    async with owner_scope(hub.pool, HUB_OWNER) as connection:
        if not await peers.drop_introduction(connection, fields.domain):
            return NOT_ASKED
    await happened(hub, actor, "introduction.declined", about=HUB_OWNER, name=fields.domain)
    return None


async def _put(hub: Hub, actor: Actor, event: str, fields: PutPeer) -> PeerShown | Refused:
    if _is_ours(hub, fields.name):
        return OURSELVES
    if "@" in fields.name and (fields.dialback or fields.certificate):
        sentence = "name: how a server proves itself is said of its domain, not of one person there."
        return Refused(ErrorCode.BODY_INVALID, sentence, ("P3 domain-only",))
    proof = Proof.DIALBACK if fields.dialback else Proof.PINNED if fields.certificate else Proof.CERTIFICATE
    peer = Peer(fields.name, Standing.ALLOWED, fields.see, fields.invoke, fields.spend, proof)
    async with owner_scope(hub.pool, HUB_OWNER) as connection:
        if not await _write(hub, connection, peer, fields.certificate, fields.note, fields):
            return FULL
    return await _done(hub, actor, event, peer)


async def _write(hub: Hub, connection: Connection, peer: Peer, certificate: str, note: str, spend: Spend) -> bool:
    now = hub.clock.now()
    if not await peers.put(connection, peer, certificate, note, now):
        return False
    if spend.tokens_per_minute is None and spend.tokens_per_day is None:
        return True
    kind = GroupKind.PEER
    before = await group_quotas.limits_of(connection, kind, peer.name, SetBy.HUB)
    given = spend.model_dump(include=set(Spend.model_fields), exclude_none=True)
    await group_quotas.put(connection, kind, peer.name, SetBy.HUB, replace(before, **given), now)
    return True


async def _done(hub: Hub, actor: Actor, event: str, peer: Peer) -> PeerShown | Refused:
    await happened(hub, actor, event, "warning", about=HUB_OWNER, name=peer.name, standing=str(peer.standing),
                   see=peer.see, invoke=peer.invoke, spend=peer.spend, proof=str(peer.proof))  # fmt: skip
    async with owner_scope(hub.pool, HUB_OWNER) as connection:
        row = await peers.find(connection, peer.name)
        return UNKNOWN if row is None else await _shown(hub, connection, row)


async def _shown(hub: Hub, connection: Connection, row: PeerRow) -> PeerShown:
    kind, peer = GroupKind.PEER, row.peer
    return PeerShown(
        name=peer.name,
        standing=peer.standing,
        see=peer.see,
        invoke=peer.invoke,
        spend=peer.spend,
        proof=peer.proof,
        certificate=fingerprint(row.certificate) if row.certificate else "",
        note=row.note,
        limits=await group_quotas.limits_of(connection, kind, peer.name, SetBy.HUB),
        used=await group_quotas.used(connection, kind, peer.name, hub.clock.now()),
        created_at=row.created_at,
        changed_at=row.changed_at,
    )


def _is_ours(hub: Hub, name: str) -> bool:
    return name.rpartition("@")[2] in own_domains(hub.domain) or home_of(name) == hub.domain


async def _refused(hub: Hub, actor: Actor, action: Action) -> Refused | None:
    return refusal_of(await authorise_related(hub, actor, action, relation_to_hub(actor), HUB_OWNER))
