"""Other servers and their people (SPEC 10): who may see, invoke and spend here. Pure.

A peer is a domain or a bare JID. Nothing is allowed until an admin has said so. The narrower entry holds; a block holds
against everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from aiox.kernel.jid import bare, domain

AGENTS: Final = "agents."
"""Where a hub's agents live, below its own domain: they are its people."""
LOCAL: Final = "local"
"""The proof of an address of our own server, which knows its people itself."""
OWN_PARTS: Final = (AGENTS, "conference.", "pubsub.", "upload.")
"""What stands under our own server's domain; any other name below it is somebody else's."""


class Standing(StrEnum):
    """Whether an entry lets anything through."""

    ALLOWED = "allowed"
    BLOCKED = "blocked"
    """An admin wants nothing of it: no answer at all."""
    FROZEN = "frozen"
    """Its hub key changed without proof: nothing goes on until an admin has looked."""


class Proof(StrEnum):
    """The weakest proof of a domain that our server takes for a peer."""

    CERTIFICATE = "certificate"
    """A certificate of an authority that this hub trusts, for this very domain."""
    PINNED = "pinned"
    """The certificate that an admin was given by the peer's own."""
    DIALBACK = "dialback"
    """Its name server and no more (XEP-0220), over TLS; an admin allowed it for this peer."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One entry. `name`: a domain or a bare JID, normalised. All switches are off by default."""

    name: str
    standing: Standing = Standing.ALLOWED
    see: bool = False
    """Directory, discovery, presence, pictures, descriptors of agents shared with it."""
    invoke: bool = False
    """Messages to agents shared with it."""
    spend: bool = False
    """Tokens, as many as its budget says (policy/group_quota.py)."""
    proof: Proof = Proof.CERTIFICATE


@dataclass(frozen=True, slots=True)
class Rights:
    """What somebody from elsewhere may do. `by` is the entry that decided; empty: there is none, a stranger."""

    by: str = ""
    standing: Standing = Standing.ALLOWED
    see: bool = False
    invoke: bool = False
    spend: bool = False

    @property
    def known(self) -> bool:
        """Whether an admin has heard of it."""
        return bool(self.by)

    @property
    def shut_out(self) -> bool:
        """Whether it gets no answer at all."""
        return self.standing is not Standing.ALLOWED


STRANGER: Final = Rights()


def own_domains(hub: str) -> frozenset[str]:
    """The domains that our own server answers for; `hub` is its domain."""
    return frozenset({hub, *(f"{part}{hub}" for part in OWN_PARTS)})


def home_of(jid: str) -> str:
    """The domain that answers for an address: of an agent's, its hub's."""
    return domain(jid).removeprefix(AGENTS)


def names_of(jid: str) -> tuple[str, ...]:
    """The entries that speak of an address, the narrowest first."""
    where = domain(jid)
    return tuple(dict.fromkeys((str(bare(jid)), where, where.removeprefix(AGENTS))))


def rights_of(jid: str, peers: Mapping[str, Peer]) -> Rights:
    """What an address of another server may do. `peers` by name."""
    found = [peers[name] for name in names_of(jid) if name in peers]
    if not found:
        return STRANGER
    for one in found:
        if one.standing is not Standing.ALLOWED:
            return Rights(one.name, one.standing)
    narrowest = found[0]
    return Rights(narrowest.name, Standing.ALLOWED, narrowest.see, narrowest.invoke, narrowest.spend)


def proof_of(jid: str, peers: Mapping[str, Peer]) -> Proof:
    """What our server has demanded at least as proof of an address's domain; an entry of one person does not change it.

    Dialback: an admin allowed it for this peer, whose server may have shown a certificate all the same.
    """
    where = domain(jid)
    entries = [peers[name] for name in dict.fromkeys((where, where.removeprefix(AGENTS))) if name in peers]
    proofs = {one.proof for one in entries}
    return next((one for one in (Proof.PINNED, Proof.DIALBACK) if one in proofs), Proof.CERTIFICATE)
