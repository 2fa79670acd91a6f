"""Identifiers. Those that must be the same after a crash are derived (UUID version 5), never drawn."""

from __future__ import annotations

import hashlib
from typing import NewType
from uuid import UUID, uuid5

OwnerId = NewType("OwnerId", UUID)
AgentId = NewType("AgentId", UUID)
VersionId = NewType("VersionId", UUID)
TurnId = NewType("TurnId", UUID)

HUB_OWNER = OwnerId(UUID("00000000-0000-4000-8000-000000000001"))
"""The hub's own tenant: health checks, and decisions about addresses that belong to nobody."""

_AIOX = UUID("6a1e2f0c-52a4-5c58-9b36-0c1f6b8f2a10")
PARTITIONS = 32


def agent_id_of(local_part: str) -> AgentId:
    """The agent an address names: `agent-<uuid>`, else an id derived from the text, which no agent has.

    Both take the same path afterwards, so that a wrong address looks like a forbidden one (SPEC 3).
    """
    text = local_part.removeprefix("agent-")
    if text != local_part:
        try:
            found = UUID(text)
        except ValueError:
            found = None
        if found is not None and str(found) == text:  # one spelling: each agent has one address
            return AgentId(found)
    return AgentId(uuid5(_AIOX, f"nobody:{local_part}"))


def turn_id_of(sender: str, recipient: str, message_id: str, body: str) -> TurnId:
    """The turn a message belongs to: the deduplication key of SPEC 4. `sender` and `recipient` are bare JIDs."""
    digest = hashlib.sha256(body.encode()).hexdigest()
    return TurnId(uuid5(_AIOX, "\x1f".join(("turn", sender, recipient, message_id, digest))))


def derived_id(parent: UUID, purpose: str) -> UUID:
    """An id that belongs to `parent`: an outbox part, an execution, a memory. The same at every attempt."""
    return uuid5(parent, purpose)


def partition_of(sender: str, agent_id: AgentId) -> int:
    """Which of the 32 inbound subjects carries this conversation. `sender` is a bare JID."""
    digest = hashlib.blake2b(f"{sender}\x1f{agent_id}".encode(), digest_size=4).digest()
    return int.from_bytes(digest) % PARTITIONS
