"""Account limits."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from aiox.kernel.account import QuotaConfig


def test_defaults_are_those_of_the_specification() -> None:
    assert QuotaConfig().model_dump() == {
        "tokens_per_minute": 1000,
        "tokens_per_day": 200_000,
        "max_concurrent_requests": 4,
        "max_memory_mb": 512,
        "max_worker_time_ms": 60_000,
    }


@pytest.mark.parametrize("given", [{"tokens_per_minute": -1}, {"token_per_minute": 1}])
def test_negative_and_misspelt_limits_are_refused(given: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        QuotaConfig.model_validate(given)
