"""Answers about other servers."""

from __future__ import annotations

from datetime import datetime

from gateway.schemas.common import Out
from gateway.schemas.quotas import GroupUseOut, LimitsOut
from policy.peers import Proof, Standing


class PeerOut(Out):
    """What another server, or somebody there, may do here. `limits` are what holds for its tokens while `spend` is on.

    `certificate`: SHA-256 of the pinned one, in hex; empty: none is pinned.
    """

    name: str
    standing: Standing
    see: bool
    invoke: bool
    spend: bool
    proof: Proof
    certificate: str
    note: str
    limits: LimitsOut
    used: GroupUseOut
    created_at: datetime
    changed_at: datetime


class PeerList(Out):
    """All peers, by name."""

    items: list[PeerOut]


class IntroductionOut(Out):
    """A domain that has asked to be introduced."""

    domain: str
    asked_at: datetime


class IntroductionList(Out):
    """Who waits, the oldest first."""

    items: list[IntroductionOut]
