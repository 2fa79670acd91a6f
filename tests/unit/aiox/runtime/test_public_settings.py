"""What may be said of a hub that people reach over the internet."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from aiox.runtime.public_settings import Public


@pytest.mark.parametrize("given", [{"certificate": "a.pem"}, {"key": "a.pem"}, {"addresses": ["hub.example.org"]}])
def test_half_of_a_pair_or_a_name_for_an_address_stops_the_start(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Public.model_validate(given)


def test_at_first_nothing_is_shown_to_the_world() -> None:
    assert Public() == Public(addresses=(), certificate=None, key=None)


def test_both_kinds_of_addresses_and_a_whole_pair_are_taken() -> None:
    given = {"addresses": ["203.0.113.7", "2001:db8::7"], "certificate": "chain.pem", "key": "key.pem"}
    made = Public.model_validate(given)
    assert (made.addresses, made.key) == (("203.0.113.7", "2001:db8::7"), Path("key.pem"))
