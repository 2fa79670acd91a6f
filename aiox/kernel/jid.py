"""Addresses (RFC 7622) as the rest of the hub sees them. Doors hand in what the server normalised already."""

from __future__ import annotations

from typing import NewType

BareJid = NewType("BareJid", str)


def bare(jid: str) -> BareJid:
    """The bare JID of a full or bare one."""
    return BareJid(jid.partition("/")[0])


def local_part(jid: str) -> str:
    """What stands before the `@`; empty for a domain."""
    local, at, _ = bare(jid).rpartition("@")
    return local if at else ""


def domain(jid: str) -> str:
    """The domain of a bare or full JID."""
    return bare(jid).rpartition("@")[2]


def agent_jid(agent_id: object, hub_domain: str) -> BareJid:
    """The address of an agent: `agent-<uuid>@agents.<domain>`."""
    return BareJid(f"agent-{agent_id}@agents.{hub_domain}")
