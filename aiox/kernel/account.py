"""What an account is: its limits and the rules for its names."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class QuotaConfig(BaseModel):
    """Limits of one account (SPEC 6); the tightest of account, agent and peer holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tokens_per_minute: int = Field(1000, ge=0)
    tokens_per_day: int = Field(200_000, ge=0)
    max_concurrent_requests: int = Field(4, ge=0)
    max_memory_mb: int = Field(512, ge=0)
    max_worker_time_ms: int = Field(60_000, ge=0)
