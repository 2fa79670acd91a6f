"""Every column that holds ciphertexts, in one place: what a rotation of keys goes through (SPEC 5).

A test compares this list with the catalogue, both ways. A new sealed column is declared in its revision with
`registry.migrations.guard.sealed` and stands here; everything else in `bytea` is named in that test with its reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class SealedTable:
    """A table with ciphertexts. `record` is the column that names the record in their places (aiox.runtime.keyring)."""

    name: str
    columns: tuple[str, ...]
    record: str = "id"


SEALED: Final = (
    SealedTable("agent_versions", ("system_prompt",)),
    SealedTable("agent_drafts", ("system_prompt",), record="agent_id"),
    SealedTable("documents", ("content", "file_key")),
    SealedTable("executions", ("input", "output")),
    SealedTable("asked_turns", ("answer",), record="correlation_id"),
    SealedTable("idempotency_keys", ("answer",)),
    SealedTable("dead_letters", ("envelope",), record="turn_id"),
    SealedTable("approvals", ("arguments", "message", "transcript")),
    SealedTable("sessions", ("xmpp_token",)),
    SealedTable("second_factors", ("secret",), record="owner_user_id"),
    SealedTable("provider_credentials", ("secret",)),
)
"""Sealed with a tenant's data key, and by the hub's own key where the owner is the hub's own tenant.

Each of these tables has `owner_user_id` and `created_at`.
"""
