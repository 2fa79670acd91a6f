"""What an account is: its limits, and the roles a person can have."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

HUBS_OWN_NAMES: Final = frozenset({"operator", "hub", "hub-api", "hub-gateway", "hub-component", "aiox"})
"""Names in front of the `@` that the hub itself speaks under; nobody gets them."""
NAMES_OF_OFFICE: Final = HUBS_OWN_NAMES | {
    "abuse",
    "admin",
    "administrator",
    "contact",
    "help",
    "hostmaster",
    "info",
    "mail",
    "moderator",
    "noc",
    "noreply",
    "no-reply",
    "postmaster",
    "root",
    "security",
    "service",
    "staff",
    "support",
    "sysadmin",
    "system",
    "webmaster",
    "xmpp",
}
"""Names that people take for the operator (RFC 2142 and custom): given by the operator, not by signing up."""


class HubRole(StrEnum):
    """Roles on the hub itself (SPEC 5). They touch what is hub-wide and read no owner's texts."""

    ADMIN = "hub_admin"
    AUDITOR = "hub_auditor"


class OrgRole(StrEnum):
    """Roles of a membership in an organisation. Only an owner makes, changes or removes an owner."""

    OWNER = "owner"
    ADMIN = "admin"
    APPROVER = "approver"
    AUDITOR = "auditor"
    MEMBER = "member"


class QuotaConfig(BaseModel):
    """Limits of one account (SPEC 6); the tightest of account, agent and peer holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tokens_per_minute: int = Field(1000, ge=0)
    tokens_per_day: int = Field(200_000, ge=0)
    max_concurrent_requests: int = Field(4, ge=0)
    max_memory_mb: int = Field(512, ge=0)
    max_worker_time_ms: int = Field(60_000, ge=0)
