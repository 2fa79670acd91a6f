"""Answers about budgets that many share."""

from __future__ import annotations

from uuid import UUID

from gateway.schemas.common import Out
from policy.group_quota import GroupKind


class LimitsOut(Out):
    """Limits of a group; null: none."""

    tokens_per_minute: int | None
    tokens_per_day: int | None
    max_concurrent_requests: int | None
    max_memory_mb: int | None
    max_worker_time_ms: int | None


class GroupUseOut(Out):
    """Tokens that are settled, in the current minute and day (UTC)."""

    minute_tokens: int
    day_tokens: int


class OrganisationQuotaOut(Out):
    """What an organisation allows itself, what the hub allows it, and of each the smaller one, which holds."""

    organisation_id: UUID
    own: LimitsOut
    hubs: LimitsOut
    holding: LimitsOut
    used: GroupUseOut


class GroupQuotaOut(Out):
    """What the hub allows a group. `name`: an organisation's id, a peer's domain, or `default`."""

    kind: GroupKind
    name: str
    limits: LimitsOut
    used: GroupUseOut


class GroupQuotaList(Out):
    """All that the hub has set."""

    items: list[GroupQuotaOut]
