"""Credentials for providers, as JSON: never the secret."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from gateway.schemas.common import Out
from policy.credentials import Kind, Level, Mode, Status


class CredentialOut(Out):
    """What a level says about a provider. `status` and `reason` are what the last test found."""

    kind: Kind
    provider: str
    level: Level
    organisation_id: UUID | None
    mode: Mode
    api_base: str
    status: Status
    reason: str
    checked_at: datetime | None
    updated_at: datetime


class CredentialList(Out):
    """One's own, and the hub's."""

    items: Sequence[CredentialOut]
