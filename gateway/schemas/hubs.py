"""Answers about other hubs: the keys that are pinned of them, and who vouches for whose ledger."""

from __future__ import annotations

from datetime import datetime

from aiox.commands.ledger_witnesses import Witnesses
from gateway.schemas.common import Out
from registry.hub_documents import Pinned
from registry.witness import Cosignature, SeenLog


class HubOut(Out):
    """A hub whose keys are pinned; they are written as verifier keys of c2sp.org/signed-note.

    `agents`: how many it lets us see. `seen_at`: when its newest document came.
    """

    domain: str
    keys: list[str]
    witness_keys: list[str]
    ledger_keys: list[str]
    agents: int
    pinned_at: datetime
    seen_at: datetime

    @classmethod
    def of(cls, pinned: Pinned) -> HubOut:
        """From what is pinned."""
        document = pinned.document
        return cls(
            domain=document.domain,
            keys=[str(key) for key in document.keys],
            witness_keys=[str(key) for key in document.witnesses],
            ledger_keys=[str(key) for key in document.ledger],
            agents=len(document.agents),
            pinned_at=pinned.pinned_at,
            seen_at=pinned.seen_at,
        )


class HubList(Out):
    """The hubs that are known, by domain."""

    items: list[HubOut]


class CosignatureOut(Out):
    """How far a witness has co-signed this hub's ledger. `witness`: its key, which begins with its domain."""

    witness: str
    size: int
    signed_at: datetime

    @classmethod
    def of(cls, one: Cosignature) -> CosignatureOut:
        """From what is stored."""
        return cls(witness=one.witness, size=one.size, signed_at=one.signed_at)


class SeenLogOut(Out):
    """What was co-signed of another hub's ledger. `forked_at`: when it was seen not to go on from that; else null."""

    domain: str
    origin: str
    size: int
    seen_at: datetime
    forked_at: datetime | None

    @classmethod
    def of(cls, log: SeenLog) -> SeenLogOut:
        """From what is stored."""
        return cls(
            domain=log.domain, origin=log.origin, size=log.seen.size, seen_at=log.seen_at, forked_at=log.forked_at
        )


class DoubtOut(Out):
    """A hub called our ledger rewritten: it does not go on from the `size` records that it had seen."""

    domain: str
    size: int
    said_at: datetime


class WitnessesOut(Out):
    """Who has co-signed our ledger, what was co-signed of others', and who has called ours rewritten, newest first."""

    cosigned: list[CosignatureOut]
    seen: list[SeenLogOut]
    doubts: list[DoubtOut]

    @classmethod
    def of(cls, found: Witnesses) -> WitnessesOut:
        """From what the command found."""
        return cls(
            cosigned=[CosignatureOut.of(one) for one in found.cosigned],
            seen=[SeenLogOut.of(log) for log in found.seen],
            doubts=[DoubtOut.model_validate(one) for one in found.doubts],
        )
