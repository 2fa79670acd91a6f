"""Passwords: Argon2id, and nobody's password never fits."""

from __future__ import annotations

import pytest
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError

from aiox.commands.passwords import Passwords

CHEAP = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)


async def test_the_right_password_fits_and_another_does_not() -> None:
    passwords = Passwords(CHEAP)
    stored = await passwords.hash("correct horse battery")
    assert stored.startswith("$argon2id$")
    assert await passwords.matches(stored, "correct horse battery")
    assert not await passwords.matches(stored, "correct horse batterY")


async def test_nobody_has_a_password() -> None:
    passwords = Passwords(CHEAP)
    assert not await passwords.matches(None, "no account has this password")


async def test_a_damaged_hash_is_an_error_and_not_a_no() -> None:
    with pytest.raises(InvalidHashError):
        await Passwords(CHEAP).matches("damaged", "x")


def test_the_real_cost_is_argon2s_own_advice() -> None:
    assert PasswordHasher().memory_cost >= 65_536
