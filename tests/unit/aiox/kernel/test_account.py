"""Limits of an account: those of the specification, and none below zero."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from aiox.kernel.account import QuotaConfig


def test_an_account_has_a_thousand_tokens_a_minute() -> None:
    assert QuotaConfig().tokens_per_minute == 1000
    assert QuotaConfig().max_memory_mb == 512


@pytest.mark.parametrize("name", list(QuotaConfig.model_fields))
def test_no_limit_is_negative(name: str) -> None:
    with pytest.raises(ValidationError, match=name):
        QuotaConfig.model_validate({name: -1})
    assert QuotaConfig.model_validate({name: 0}).model_dump()[name] == 0


def test_a_misspelt_limit_is_refused() -> None:
    with pytest.raises(ValidationError, match="tokens_a_day"):
        QuotaConfig.model_validate({"tokens_a_day": 5})
